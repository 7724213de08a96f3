-- Change the role of a member of an organisation.
--
--   organization_id  an organisation that the caller owns
--   user_id          a member of it, the caller included
--   role             'owner', 'admin' or 'member'
--   returns          {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 member_not_found           the person is no member
--   PT403 organization_role_too_low  a member, but no owner
--   PT409 last_owner                 the organisation would be without an owner
--   PT422 invalid_argument           no such role
--
-- Definer rights: nobody may write members in any other way.
create function public.set_organization_role(
  organization_id uuid,
  user_id         uuid,
  role            text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  member   public.organization_members;
  broken   text;
  argument text;
begin
  perform private.lock_organization(set_organization_role.organization_id, 'owner');
  member := private.require_member(
    set_organization_role.organization_id, set_organization_role.user_id
  );

  if member.role = 'owner' and set_organization_role.role <> 'owner' then
    perform private.require_other_owner(member.organization_id, member.user_id);
  end if;

  update public.organization_members as m
     set role = set_organization_role.role
   where m.organization_id = member.organization_id
     and m.user_id = member.user_id
  returning m.* into member;

  return private.member_summary(member);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;
