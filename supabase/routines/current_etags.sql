-- What loads would answer now, to hold what caches have against it.
--
--   entries  array of at most 500 {composition_id, user_id}
--   returns  [{composition_id, user_id, etag}], in the same order: the etag that load_composition()
--            would answer this person, null where it would refuse
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
               jsonb_build_object(
                 'composition_id', e.composition_id, 'user_id', e.user_id, 'etag', h.etag
               ) order by e.nth
             ),
             '[]'
           )
      from rows from (
             jsonb_to_recordset(current_etags.entries) as (composition_id uuid, user_id uuid)
           ) with ordinality as e (composition_id, user_id, nth)
      left join lateral (
        select private.composition_summary(c, a.role, l.also) ->> 'etag' as etag
          from public.user_compositions as c
         cross join lateral private.composition_access(c.id, e.user_id) as a
         cross join lateral private.layers_in_etag(c.id, e.user_id) as l (also)
         where c.id = e.composition_id
           and c.deleted_at is null
           and c.current_version > 0
           and a.role is not null
      ) as h on true
  );
end;
$$;
