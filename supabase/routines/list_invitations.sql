-- List the invitations to an organisation that nobody has accepted, oldest first.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   returns          [{invitation_id, organization_id, email, role, expires_at, created_by,
--                    created_at}], expired ones included
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, but neither an admin nor an owner
--
-- Definer rights: callers have no access to invitations.
create function public.list_invitations(organization_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_organization_role(list_invitations.organization_id, 'admin');
  return (
    select coalesce(jsonb_agg(private.invitation_summary(i) order by i.created_at, i.id), '[]')
      from public.organization_invitations as i
     where i.organization_id = list_invitations.organization_id
  );
end;
$$;
