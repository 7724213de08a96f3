-- Become a member of an organisation by an invitation, which is used up by that.
--
--   token    what invite_to_organization() returned, sent to the address of the caller's account
--   returns  {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in         the token of the session names nobody
--   PT401 account_not_found     the account of that token is gone
--   PT404 invitation_not_found  no invitation has this token, it has ended, it is for another
--                               address than that of the caller's account, or who made it may not
--                               give this role any more; every time the same answer
--   PT409 already_member        the role stays as it is, and so does the invitation
--
-- Definer rights: nobody may write members in any other way.
create function public.accept_invitation(token text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  invitation public.organization_invitations;
  member     public.organization_members;
  caller     uuid;
begin
  -- Before the locks: who is not invited cannot hold anyone up.
  invitation := private.require_invitation(accept_invitation.token);
  caller := private.lock_caller();
  -- As private.lock_organization(), which is for members.
  perform from public.organizations as o
    where o.id = invitation.organization_id
      for no key update;
  -- And after them: whoever held them may have been using it, revoking it, or losing the right to
  -- make it.
  invitation := private.require_invitation(accept_invitation.token);

  insert into public.organization_members as m (organization_id, user_id, role)
  values (invitation.organization_id, caller, invitation.role)
  returning m.* into member;

  delete from public.organization_invitations as i where i.id = invitation.id;
  return private.member_summary(member);
exception
  when unique_violation then
    perform private.refuse_known_member(caller);
end;
$$;
