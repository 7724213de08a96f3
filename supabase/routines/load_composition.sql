-- Load a composition: its head, and what is known about it.
--
--   composition_id  a composition the caller may view
--   returns         {composition_id, title, description, tags, owner_id, organization_id, role,
--                   version, content_hash, etag, updated_at, forked_from_id,
--                   forked_from_version, document}; role is the caller's: 'owner', 'editor' or
--                   'viewer'; forked_from_… are null unless it is a fork
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- It counts nothing and writes nothing, so that a read-only replica can serve it: whoever answers
-- loads reports them with record_usage().
--
-- Definer rights: asking for one role costs the same however much a person may see; reading
-- through the policies grows with it.
create function public.load_composition(composition_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  held constant text :=
    private.require_composition_role(load_composition.composition_id, 'viewer');
begin
  return (
    -- Not ||, which would copy the document twice.
    select jsonb_set(private.composition_summary(c, held), '{document}', d.document)
      from public.user_compositions as c
      join public.compositions as d on d.content_hash = c.current_hash
     where c.id = load_composition.composition_id
  );
end;
$$;
