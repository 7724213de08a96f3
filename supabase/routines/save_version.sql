-- Append a version to a composition and make it the head.
--
--   composition_id  a composition the caller may edit
--   base_version    the head the edit started from
--   document        a composition document (docs/document.md)
--   message         what changed, in words; null: nothing to say
--   on_conflict     'reject': a stale save is refused
--   origin          how it came to be (docs/history.md); null: a person made it
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
--   PT422 invalid_argument       base_version is null, the message is too long, or on_conflict or
--                                origin is not known
--
-- Definer rights: callers may not call private.append_version(), which checks them.
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
  if save_version.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;

  if save_version.on_conflict is distinct from 'reject' then
    raise exception 'on_conflict is not known' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'on_conflict', 'allowed', '["reject"]'::jsonb
      ),
      hint    = 'Leave on_conflict out, or send an allowed value.';
  end if;

  return private.append_version(
    composition_id => save_version.composition_id,
    base_version   => save_version.base_version,
    document       => save_version.document,
    kind           => 'save',
    origin         => private.version_origin(save_version.origin),
    message        => save_version.message
  );
end;
$$;
