-- Take a composition out of the trash, with its history and its shares.
--
--   composition_id  a composition the caller owns, in the trash
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in            the token names nobody
--   PT401 account_not_found        the account of the token is gone
--   PT404 composition_not_found    absent, or not readable by the caller
--   PT403 not_composition_owner    readable, but the caller is no owner
--   PT409 composition_not_trashed  not in the trash
--
-- Definer rights: nobody may undelete a composition in any other way.
create function public.undelete_composition(composition_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
begin
  perform private.lock_composition(
    undelete_composition.composition_id, 'owner', in_trash => true
  );

  update public.user_compositions as c
     set deleted_at = null
   where c.id = undelete_composition.composition_id
  returning c.* into composition;

  return private.write_summary(composition);
end;
$$;
