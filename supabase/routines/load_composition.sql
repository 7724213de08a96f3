-- Load a composition: its head with the caller's layers on it, and what is known about it.
--
--   composition_id  a composition the caller may view
--   known_etags     etags of answers that the caller has: the document of one of them is left out
--   layered         false: the head alone, as who edits it needs it
--   returns         {composition_id, title, description, tags, owner_id, organization_id, role,
--                   version, content_hash, etag, updated_at, forked_from_id,
--                   forked_from_version, document?, layers?, unchanged?}; role is the caller's:
--                   'owner', 'editor' or 'viewer'; content_hash is the head's; forked_from_… are
--                   null unless it is a fork; instead of the document, unchanged is true where the
--                   etag is one of known_etags
--
--   layers          [{scope, organization_id?, base_version, state, paths, conflicts?}], where the
--                   caller has any, the lowest first: those of their organisations (scope
--                   'organization'), then their own ('me'). state is 'applied', 'stale' (parts that
--                   the layer changes are gone) or 'conflict' (parts that it changes were changed,
--                   too, and stay as they are beneath it), paths are those of the parts, and
--                   conflicts what is there and what the layer has; docs/layers.md
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- An etag stands for all of an answer, the role and the document as well: two people with the same
-- one have the same answer. Where the role, or a layer, rests on a share that ends by itself, the
-- header Access-Until of the answer says when, in milliseconds since 1970: at that moment the role
-- ends, or becomes a lower one, or the layer is there no more.
--
-- It counts nothing and writes nothing, so that a read-only replica can serve it: whoever answers
-- loads reports them with record_usage().
--
-- Definer rights: asking for one role costs the same however much a person may see; reading
-- through the policies grows with it.
create function public.load_composition(
  composition_id uuid,
  known_etags    text[] default '{}',
  layered        boolean default true
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return private.load(
    load_composition.composition_id,
    private.caller_id(),
    load_composition.known_etags,
    coalesce(load_composition.layered, true)
  );
end;
$$;
