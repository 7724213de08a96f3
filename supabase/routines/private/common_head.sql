-- How many elements at the start of two arrays are the same.
--
--   source   an array
--   target   another one
--   returns  0 up to the length of the shorter one
create function private.common_head(source jsonb, target jsonb) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  if source -> 0 <> target -> 0 then
    return 0;
  end if;
  return (
    select coalesce(min(coalesce(s.nth, t.nth)) - 1, jsonb_array_length(source))
      from jsonb_array_elements(source) with ordinality as s (value, nth)
      full join jsonb_array_elements(target) with ordinality as t (value, nth) on t.nth = s.nth
     where s.nth is null
        or t.nth is null
        or s.value <> t.value
        or s.value::text <> t.value::text  -- 1 and 1.0
  );
end;
$$;
