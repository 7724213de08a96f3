-- Load compositions as a viewer would, for a cache that has gone cold: what viewers have the same
-- etag for is the same for all of them.
--
--   composition_ids  at most 50
--   returns          [{composition_id, title, description, tags, owner_id, organization_id, role,
--                    version, content_hash, etag, updated_at, forked_from_id,
--                    forked_from_version, document}], in the same order; role is 'viewer'. What is
--                    gone or in the trash is left out
--
-- Raises
--   PT422 invalid_argument  more than 50, or null
--
-- A cache may keep these bodies; that somebody may see one, only their own load_composition() says.
--
-- Definer rights: jobs have no access to tables.
create function public.load_for_warming(composition_ids uuid[]) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if composition_ids is null or cardinality(composition_ids) > 50 then
    raise exception 'composition_ids are at most 50' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'composition_ids'),
      hint    = 'Load at most 50 at a time.';
  end if;

  return (
    select coalesce(
             jsonb_agg(
               jsonb_set(private.composition_summary(c, 'viewer'), '{document}', d.document)
               order by i.nth
             ),
             '[]'
           )
      from unnest(composition_ids) with ordinality as i (id, nth)
      join public.user_compositions as c on c.id = i.id
      join public.compositions as d on d.content_hash = c.current_hash
     where c.deleted_at is null
  );
end;
$$;
