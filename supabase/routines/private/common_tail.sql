-- How many elements at the end of two arrays are the same.
--
--   source   an array
--   target   another one
--   longest  how many there can be at most: what is not in the common head
--   returns  0 up to longest
create function private.common_tail(source jsonb, target jsonb, longest integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
declare
  source_end constant integer := jsonb_array_length(source);
  target_end constant integer := jsonb_array_length(target);
begin
  if longest = 0 or source -> -1 <> target -> -1 then
    return 0;
  end if;
  return (
    select coalesce(min(source_end - s.nth), longest)
      from jsonb_array_elements(source) with ordinality as s (value, nth)
      full join jsonb_array_elements(target) with ordinality as t (value, nth)
        on target_end - t.nth = source_end - s.nth
     where s.nth > source_end - longest
       and t.nth > target_end - longest
       and (s.value <> t.value or s.value::text <> t.value::text)
  );
end;
$$;
