-- The parts that a value is merged by.
--
--   whole    an object or an array; null: there are none
--   kind     private.merge_kind() of it
--   returns  a row (key, nth, value) a part; nth is its place in an array, counted from 1
create function private.merge_parts(whole jsonb, kind text)
returns table (key text, nth bigint, value jsonb)
language plpgsql immutable
set search_path = ''
as $$
begin
  case kind
    when 'object' then
      return query select o.key, 0::bigint, o.value from jsonb_each(merge_parts.whole) as o;
    when 'id' then
      return query
        select e.value ->> 'id', e.nth, e.value
          from jsonb_array_elements(merge_parts.whole) with ordinality as e (value, nth);
    else
      return query
        select e.value #>> '{}', e.nth, e.value
          from jsonb_array_elements(merge_parts.whole) with ordinality as e (value, nth);
  end case;
end;
$$;
