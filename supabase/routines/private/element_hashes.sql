-- Hashes of some elements of an array, of their texts: those of jsonb are the same for 1 and -1.
-- Different elements may have the same one nevertheless.
--
--   list      an array
--   after     how many elements at the start are left out
--   until     the place of the last one
--   by_id     whether to hash the elements' ids
--   returns   a hash an element, in order
create function private.element_hashes(list jsonb, after integer, until integer, by_id boolean)
returns bigint[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select hashtextextended(
             (case when by_id then e.value -> 'id' else e.value end)::text collate "C", 0
           )
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     where e.nth > after and e.nth <= until
     order by e.nth
  );
end;
$$;
