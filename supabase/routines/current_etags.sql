-- What loads would answer now, to hold what caches have against it.
--
--   entries  array of at most 500 {composition_id, user_id, layered?, context?, home?}, at most one
--            of the last three: layered is false, home is true
--   returns  [{composition_id, user_id, layered?, context?, home?, etag}], in the same order: the
--            etag that load_composition() would answer this person, also with layered: false, or
--            resolve_context() or load_home() would; null where it would refuse, or would choose
--            another composition
--
-- Raises
--   PT422 invalid_argument  entries are something else, with the place of the first such one
--
-- Definer rights: jobs have no access to tables.
create function public.current_etags(entries jsonb) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_cached_entries(current_etags.entries);

  return (
    select coalesce(
             jsonb_agg(
               e.entry || jsonb_build_object('etag', private.current_etag(e.entry)) order by e.nth
             ),
             '[]'
           )
      from jsonb_array_elements(current_etags.entries) with ordinality as e (entry, nth)
  );
end;
$$;
