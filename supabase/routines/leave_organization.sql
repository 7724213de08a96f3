-- Leave an organisation. What the caller owns there stays, with its longest-standing owner; with
-- its last member an organisation is deleted, and what was in it.
--
--   organization_id  an organisation that the caller belongs to
--   returns          the membership that ended: {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT404 organization_not_found  absent, or the caller is no member
--   PT409 last_owner              the others would be without an owner
--
-- Definer rights: nobody may write members in any other way.
create function public.leave_organization(organization_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  heir   uuid;
begin
  -- Accounts before organisations: who takes over may just be going, too, and is waited for while
  -- nothing is held that they need. The membership is asked first: a stranger holds nobody up.
  perform private.require_organization_role(leave_organization.organization_id, 'member');
  perform private.lock_caller();
  heir := private.organization_heir(leave_organization.organization_id, caller);
  perform from auth.users as u where u.id = heir for key share;

  perform private.lock_organization(leave_organization.organization_id, 'member');
  return private.end_membership(
    private.require_member(leave_organization.organization_id, caller)
  );
end;
$$;
