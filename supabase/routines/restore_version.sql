-- Bring an earlier version back, as a new version. Content only: title, shares and owner stay.
--
--   composition_id  a composition the caller may edit
--   version         the version whose content comes back
--   message         why, in words; null: nothing to say
--   origin          how it came to be (docs/history.md); its kind is restore, whatever is sent
--   returns         {composition_id, version, content_hash, title, updated_at}; version is new
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT422 invalid_document       a limit was lowered since the version was saved
--   PT422 invalid_argument       the message is too long, or origin is not known
--
-- Definer rights: callers may not call private.append_version(), which checks them.
create function public.restore_version(
  composition_id uuid,
  version        integer,
  message        text default null,
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_composition_role(restore_version.composition_id, 'editor');

  return private.append_version(
    composition_id => restore_version.composition_id,
    base_version   => null,
    document       => public.get_version(
                        restore_version.composition_id, restore_version.version
                      ) -> 'document',
    kind           => 'restore',
    origin         => private.version_origin(
                        restore_version.origin,
                        'restore',
                        jsonb_build_object('version', restore_version.version)
                      ),
    message        => restore_version.message
  );
end;
$$;
