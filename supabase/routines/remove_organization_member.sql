-- Remove a person from an organisation. What they own there stays, with its longest-standing owner.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   user_id          a member; only an owner may remove an admin or an owner
--   returns          the membership that ended: {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 member_not_found           the person is no member
--   PT403 organization_role_too_low  a member, of a lower role than this needs
--   PT409 last_owner                 the organisation would be without an owner
--
-- Definer rights: nobody may write members in any other way.
create function public.remove_organization_member(organization_id uuid, user_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  member public.organization_members;
begin
  perform private.lock_organization(remove_organization_member.organization_id, 'admin');
  member := private.require_member(
    remove_organization_member.organization_id, remove_organization_member.user_id
  );

  if member.role <> 'member' then
    perform private.require_organization_role(member.organization_id, 'owner');
  end if;

  return private.end_membership(member);
end;
$$;
