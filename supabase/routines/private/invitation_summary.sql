-- An invitation as answers show it: without its token, which nobody has but whom it was sent to.
--
--   invitation  a row of organization_invitations that the caller may read
--   returns     {invitation_id, organization_id, email, role, expires_at, created_by, created_at}
create function private.invitation_summary(invitation public.organization_invitations)
returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'invitation_id', invitation.id,
    'organization_id', invitation.organization_id,
    'email', invitation.email,
    'role', invitation.role,
    'expires_at', invitation.expires_at,
    'created_by', invitation.created_by,
    'created_at', invitation.created_at
  );
$$;
