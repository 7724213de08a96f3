-- Whether some number is so large, or so close to zero, that its text may be of any length: a few
-- kilobytes such as [1e131071, …] print as gigabytes.
--
--   value    any jsonb
--   returns  whether a number in it is none of 0 and the magnitudes from 1/max_number to max_number
--            (private.settings)
--
-- Nothing may turn the value into text before this has said no.
create function private.has_wild_number(value jsonb) returns boolean
language plpgsql stable
set search_path = ''
as $$
declare
  max_number     constant bigint  := private.setting('max_number');
  max_zero_scale constant integer := 15;
begin
  -- A zero has a size too, if not a magnitude: 0e-16383 prints as sixteen thousand digits.
  return jsonb_path_exists(
    value,
    'strict $.** ? (
       @.type() == "number"
       && !(@ >= $least && @ <= $most || @ == 0 || @ <= -$least && @ >= -$most)
     )',
    jsonb_build_object('most', max_number, 'least', 1::numeric / max_number)
  ) or exists (
    select
      from jsonb_array_elements(jsonb_path_query_array(value, 'strict $.** ? (@ == 0)')) as z
     where scale(z::numeric) > max_zero_scale
  );
end;
$$;
