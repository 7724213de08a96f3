-- Invite whoever has an e-mail address to an organisation. The host sends the token there, and
-- nowhere else: that somebody has it is the proof that the mailbox is theirs.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   email            1 address, at most 320 characters; kept in lower case
--   role             'member'; an owner may also invite an 'admin' or an 'owner'
--   returns          {invitation_id, organization_id, email, role, expires_at, created_by,
--                    created_at, token}; token is 43 characters of base64url, 244 random bits, and
--                    shown this once: only its hash is kept
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, of a lower role than this needs, or than the
--                                    invitation needed that this one replaces
--   PT403 quota_exceeded             the organisation has as many invitations as it may have
--   PT422 invalid_argument           no address, or no such role
--
-- An invitation of the same address is replaced: its token opens nothing any more. Whether somebody
-- has an account with that address plays no part, so the answer cannot tell.
--
-- Definer rights: nobody may write invitations in any other way.
create function public.invite_to_organization(
  organization_id uuid,
  email           text,
  role            text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  token      constant text := private.new_token();
  -- One character more than there may be, so that it is refused without being read.
  address    constant text := lower(left(invite_to_organization.email, 321));
  -- Within what a timestamp can hold, however long an operator wants to wait.
  days       constant integer := least(private.setting('invitation_days'), 1000000);
  invitation public.organization_invitations;
  broken     text;
  argument   text;
begin
  perform private.lock_organization(
    invite_to_organization.organization_id, private.granting_role(invite_to_organization.role)
  );

  delete from public.organization_invitations as i
   where i.organization_id = invite_to_organization.organization_id
     and i.email = address
  returning i.* into invitation;
  if invitation.id is not null then
    perform private.require_organization_role(
      invitation.organization_id, private.granting_role(invitation.role)
    );
  end if;

  perform private.require_room('max_invitations_per_organization', (
    select count(*)
      from public.organization_invitations as i
     where i.organization_id = invite_to_organization.organization_id
  ));

  insert into public.organization_invitations as i
    (organization_id, email, role, token_hash, expires_at)
  values
    (invite_to_organization.organization_id, address, invite_to_organization.role,
     private.hash_token(token), now() + make_interval(days => days))
  returning i.* into invitation;

  return private.invitation_summary(invitation) || jsonb_build_object('token', token);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;
