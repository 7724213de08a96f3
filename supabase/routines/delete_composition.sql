-- Put a composition into the trash. Nobody but its owners sees it any more; its shares stay for
-- when it comes back.
--
--   composition_id  a composition the caller owns
--   base_version    the head that the caller has seen; null: whatever it is
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 not_composition_owner  readable, but the caller is no owner
--   PT409 version_conflict       saved by someone since base_version was read
--   PT410 composition_trashed    in the trash already
--
-- After trash_days (private.settings) it may be purged for good. Until then it counts for the
-- quota.
--
-- Definer rights: nobody may delete a composition in any other way.
create function public.delete_composition(composition_id uuid, base_version integer default null)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
begin
  composition := private.lock_composition(delete_composition.composition_id, 'owner');

  if composition.current_version <> delete_composition.base_version then
    raise exception 'composition % is at version %, not %',
      composition.id, composition.current_version, delete_composition.base_version using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'version_conflict', 'head_version', composition.current_version
      ),
      hint    = 'Load the head, and delete it if it is still to go.';
  end if;

  update public.user_compositions as c
     set deleted_at = clock_timestamp()
   where c.id = delete_composition.composition_id
  returning c.* into composition;

  return private.write_summary(composition);
end;
$$;
