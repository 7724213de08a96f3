-- Append a version to a composition and make it the head.
--
--   composition_id  a composition the caller may edit
--   base_version    the head the edit started from; null: whatever is the head now
--   document        a composition document (docs/document.md)
--   kind            what the version is: a value of composition_versions.kind
--   origin          who made it and how: {"kind": …}
--   message         what changed, in words; null: nothing to say
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       the message is too long
--
-- Definer rights: callers may not lock rows or write versions.
create function private.append_version(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  kind           text,
  origin         jsonb,
  message        text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  head public.user_compositions;
begin
  -- Before the lock: nobody waits while a large document is checked.
  perform private.require_valid_document(append_version.document);

  -- Savers queue here, so the second of two sees the first one's head.
  head := private.lock_composition(append_version.composition_id, 'editor');
  if head.current_version <> append_version.base_version then
    perform private.refuse_stale(head, append_version.base_version);
  end if;

  return private.write_summary((
    private.insert_version(
      head, append_version.document, append_version.kind, append_version.origin,
      append_version.message, head.current_version
    )
  ).changed);
end;
$$;
