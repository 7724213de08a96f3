-- Load a composition: its head, and what is known about it.
--
--   composition_id  a composition the caller may view
--   known_etags     etags of answers that the caller has: the document of one of them is left out
--   returns         {composition_id, title, description, tags, owner_id, organization_id, role,
--                   version, content_hash, etag, updated_at, forked_from_id,
--                   forked_from_version, document?, unchanged?}; role is the caller's: 'owner',
--                   'editor' or 'viewer'; forked_from_… are null unless it is a fork; instead of
--                   the document, unchanged is true where the etag is one of known_etags
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- An etag stands for all of an answer, the role and the document as well: two people with the same
-- one have the same answer. Where the role rests on a share that ends by itself, the header
-- Access-Until of the answer says when, in milliseconds since 1970: at that moment the role ends,
-- or becomes a lower one.
--
-- It counts nothing and writes nothing, so that a read-only replica can serve it: whoever answers
-- loads reports them with record_usage().
--
-- Definer rights: asking for one role costs the same however much a person may see; reading
-- through the policies grows with it.
create function public.load_composition(composition_id uuid, known_etags text[] default '{}')
returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access  record :=
    private.composition_access(load_composition.composition_id, private.caller_id());
  head    public.user_compositions;
  summary jsonb;
begin
  select c.* into head
    from public.user_compositions as c
   where c.id = load_composition.composition_id;

  if access.role is null or head.deleted_at is not null then
    perform private.require_composition_role(load_composition.composition_id, 'viewer');
  end if;
  if access.until is not null then
    perform private.announce_end(access.until);
  end if;

  summary := private.composition_summary(head, access.role);

  if summary ->> 'etag' = any (known_etags) then
    return summary || '{"unchanged": true}';
  end if;
  return (
    -- Not ||, which would copy the document twice.
    select jsonb_set(summary, '{document}', d.document)
      from public.compositions as d
     where d.content_hash = head.current_hash
  );
end;
$$;
