-- Append a version to a composition and make it the head.
--
--   composition_id  a composition the caller may edit
--   base_version    the version the edit started from
--   document        a composition document (docs/document.md)
--   message         what changed, in words; null: nothing to say
--   on_conflict     where base_version is not the head any more: 'reject', the save is refused;
--                   'merge', it is merged (docs/merge.md)
--   origin          how it came to be (docs/history.md); null: a person made it
--   returns         {composition_id, version, content_hash, title, updated_at, merged?, conflicts?,
--                   conflict_version?}
--
-- Where it was merged, merged is true and version is the merge. Where it could not be, merged is
-- false, nothing of the head changed, version is still the head, conflicts say where both changed
-- the same (docs/merge.md), and the whole document is kept as conflict_version, which
-- restore_version() would make the head.
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read; to be merged, but
--                                base_version is gone, or never was
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       base_version is null, the message is too long, or on_conflict or
--                                origin is not known
--
-- Definer rights: callers may not call private.save_document(), which checks them.
create function public.save_version(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  message        text default null,
  on_conflict    text default 'reject',
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return private.save_document(
    composition_id => save_version.composition_id,
    base_version   => save_version.base_version,
    document       => save_version.document,
    kind           => 'save',
    origin         => save_version.origin,
    message        => save_version.message,
    on_conflict    => save_version.on_conflict
  );
end;
$$;
