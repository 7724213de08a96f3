-- Delete a composition in the trash for good: its history, its shares, and content that nothing
-- else holds.
--
--   composition_id  a composition the caller owns, in the trash; to purge an organisation's, the
--                   caller is an admin or an owner of it
--   returns         what was purged: {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT403 not_composition_owner      readable, but the caller is no owner
--   PT403 organization_role_too_low  an organisation's, in which the caller is a member only
--   PT409 composition_not_trashed    not in the trash
--
-- Definer rights: nobody may delete a composition in any other way.
create function public.purge_composition(composition_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
begin
  composition := private.lock_composition(
    purge_composition.composition_id, 'owner', in_trash => true
  );
  if composition.organization_id is not null then
    perform private.require_organization_role(composition.organization_id, 'admin');
  end if;

  delete from public.user_compositions as c where c.id = composition.id;
  return private.write_summary(composition);
end;
$$;
