-- Refuse unless the caller has a role on a composition, and it is where it has to be.
--
--   composition_id  any id
--   required        'viewer', 'editor' or 'owner': this role or a higher one
--   in_trash        whether it has to be in the trash, or out of it
--   returns         the role that the caller has
--
-- Raises
--   PT401 not_signed_in            the token names nobody
--   PT404 composition_not_found    absent, or not readable by the caller
--   PT403 composition_read_only    readable, but the caller is no editor
--   PT403 not_composition_owner    readable, but the caller is no owner
--   PT410 composition_trashed      in the trash, where only its owners see it
--   PT409 composition_not_trashed  not in the trash, as it had to be
--
-- Definer rights: it looks at a row that the policies hide.
create function private.require_composition_role(
  composition_id uuid,
  required       text,
  in_trash       boolean default false
) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  held text;
begin
  perform private.caller_id();
  held := private.composition_role(require_composition_role.composition_id);

  if held is null then
    raise exception 'composition % not found', require_composition_role.composition_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'composition_not_found'),
      hint    = 'Check the id, or ask its owner to share it.';
  end if;

  if required = 'editor' and held = 'viewer' then
    raise exception 'composition % is shared for viewing', require_composition_role.composition_id
      using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'composition_read_only', 'role', held),
      hint    = 'Ask its owner for the role editor.';
  end if;

  if required = 'owner' and held <> 'owner' then
    raise exception 'only an owner may do this to composition %',
      require_composition_role.composition_id using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'not_composition_owner', 'role', held),
      hint    = 'Ask its owner to do it.';
  end if;

  if held = 'owner' then
    perform private.require_trash(require_composition_role.composition_id, in_trash);
  end if;
  return held;
end;
$$;
