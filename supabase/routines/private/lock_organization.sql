-- Take an organisation for a change of its members, after everyone who came first: so that two
-- owners who leave at once cannot both believe that the other one stays.
--
--   organization_id  any id
--   required         'member', 'admin' or 'owner': this role or a higher one
--   returns          the role that the caller has
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, of a lower role than required
--
-- Definer rights: callers may not lock rows. The membership is asked before the lock, so that a
-- stranger cannot hold anyone up, and again after it.
create function private.lock_organization(organization_id uuid, required text) returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  held text;
begin
  perform private.require_organization_role(lock_organization.organization_id, required);
  perform private.lock_caller();

  perform from public.organizations as o
    where o.id = lock_organization.organization_id
      for no key update;

  held := private.require_organization_role(lock_organization.organization_id, required);
  return held;
end;
$$;
