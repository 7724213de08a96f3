-- The ids of a keyed array, in order.
--
--   list     a keyed array, or null
--   kind     private.merge_kind() of it
--   returns  array of strings and numbers
create function private.merge_ids(list jsonb, kind text) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return to_jsonb(array(
    select case kind when 'id' then e.value -> 'id' else e.value end
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     order by e.nth
  ));
end;
$$;
