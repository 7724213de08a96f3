-- Take an invitation back.
--
--   invitation_id  an invitation to an organisation in which the caller is an admin or an owner;
--                  only an owner may take back that of an admin or an owner
--   returns        the invitation that ended: {invitation_id, organization_id, email, role,
--                  expires_at, created_by, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 invitation_not_found       absent, used, or not shown to the caller by list_invitations()
--   PT404 organization_not_found     the caller's membership was ended just now
--   PT403 organization_role_too_low  of a lower role than this needs
--
-- Definer rights: nobody may delete invitations in any other way.
create function public.revoke_invitation(invitation_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller     constant uuid := private.caller_id();
  invitation public.organization_invitations;
begin
  select i.* into invitation
    from public.organization_invitations as i
    join public.organization_members as m
      on m.organization_id = i.organization_id
     and m.user_id = caller
     and m.role in ('owner', 'admin')
   where i.id = revoke_invitation.invitation_id;
  if invitation.id is null then
    perform private.refuse_unknown_invitation();
  end if;

  perform private.lock_organization(
    invitation.organization_id, private.granting_role(invitation.role)
  );

  delete from public.organization_invitations as i
   where i.id = invitation.id
  returning i.* into invitation;
  if invitation.id is null then
    perform private.refuse_unknown_invitation();
  end if;
  return private.invitation_summary(invitation);
end;
$$;
