-- The compositions that are shared with the caller, in person or through an organisation, for
-- policies.
--
--   roles    the roles that count
--   returns  ids, empty when there are none
--
-- Definer rights: shares and compositions have policies that read each other, which recurses
-- (42P17) unless one of them looks past the policies.
create function private.shared_with_me_ids(roles text[] default '{viewer,editor}') returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
declare
  -- In variables, so that the plan is for this caller and not for the one with the most shares.
  caller        constant uuid   := auth.uid();
  organizations constant uuid[] := private.my_organization_ids();
begin
  return array(
    select s.composition_id
      from public.shared_compositions as s
     where s.user_id = caller
       and s.role = any (shared_with_me_ids.roles)
       and (s.expires_at is null or s.expires_at > now())
    union
    select s.composition_id
      from public.shared_compositions as s
     where s.organization_id = any (organizations)
       and s.role = any (shared_with_me_ids.roles)
       and (s.expires_at is null or s.expires_at > now())
  );
end;
$$;
