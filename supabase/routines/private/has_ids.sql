-- Whether all of some elements of an array are objects with an id of their own.
--
--   list     an array
--   after    how many elements at the start are left out
--   until    the place of the last one
--   returns  true also when there are none
create function private.has_ids(list jsonb, after integer, until integer) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    select count(*) = count(distinct e.value -> 'id')
             filter (where jsonb_typeof(e.value -> 'id') in ('string', 'number'))
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     where e.nth > after and e.nth <= until
  );
end;
$$;
