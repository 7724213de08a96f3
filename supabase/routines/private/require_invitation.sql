-- The invitation that the caller may accept with a token.
--
--   token    any text, or null
--   returns  its row
--
-- Raises
--   PT401 not_signed_in         the token of the session names nobody
--   PT404 invitation_not_found  no invitation has this token, it has ended, it is for another
--                               address than that of the caller's account, or who made it may not
--                               give this role any more
--
-- The address is the one that the account has now. Whether it was confirmed does not matter: the
-- token was sent there, so who has it can read that mailbox.
--
-- Definer rights: callers have no access to invitations and accounts.
create function private.require_invitation(token text) returns public.organization_invitations
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller     constant uuid := private.caller_id();
  invitation public.organization_invitations;
begin
  select i.* into invitation
    from public.organization_invitations as i
    join auth.users as u on u.id = caller and lower(u.email) = i.email
    join public.organization_members as m
      on m.organization_id = i.organization_id
     and m.user_id = i.created_by
     and m.role in ('owner', private.granting_role(i.role))
   where i.token_hash = private.hash_token(require_invitation.token)
     and i.expires_at > now();

  if invitation.id is null then
    perform private.refuse_unknown_invitation();
  end if;
  return invitation;
end;
$$;
