-- Add a person to an organisation.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   user_id          the person
--   role             'member'; an owner may also add an 'admin' or an 'owner'
--   returns          {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 user_not_found             there is no such account
--   PT403 organization_role_too_low  a member, of a lower role than this needs
--   PT409 already_member             use set_organization_role()
--   PT422 invalid_argument           no such role
--
-- Definer rights: nobody may write members in any other way.
create function public.add_organization_member(
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
  perform private.lock_organization(
    add_organization_member.organization_id,
    private.granting_role(add_organization_member.role)
  );

  insert into public.organization_members as m (organization_id, user_id, role)
  values (add_organization_member.organization_id, add_organization_member.user_id,
          add_organization_member.role)
  returning m.* into member;

  return private.member_summary(member);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
  when foreign_key_violation then
    perform private.refuse_unknown_user(add_organization_member.user_id);
  when unique_violation then
    perform private.refuse_known_member(add_organization_member.user_id);
end;
$$;
