-- Which of the children that two lists have in common are in another order.
--
--   source   the children of a component
--   target   its children later
--   returns  their ids in quotes, as few as explain the other order; null when one of the two is no
--            list of ids
--
-- The planner guesses ten elements however many there are, and would then loop over both.
create function private.moved_children(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
set enable_nestloop = off
as $$
declare
  kept integer[];
begin
  if source is null or target is null or jsonb_path_exists(
    jsonb_build_array(source, target),
    'strict $[*] ? (@.type() != "array" || exists(@[*] ? (@.type() != "string")))'
  ) then
    return null;
  end if;

  kept := (private.common_subsequence(
    private.element_hashes(source, 0, jsonb_array_length(source), false),
    private.element_hashes(target, 0, jsonb_array_length(target), false),
    40000
  )).target_at;
  return array(
    select format('“%s”', private.short_text(t.id))
      from jsonb_array_elements_text(target) with ordinality as t (id, nth)
     where t.id in (select jsonb_array_elements_text(source))
       and t.nth not in (select unnest(kept))
     order by t.nth
  );
end;
$$;
