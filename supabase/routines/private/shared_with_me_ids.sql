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
begin
  return array(
    select s.composition_id
      from public.shared_compositions as s
     where s.user_id = (select auth.uid())
       and s.role = any (shared_with_me_ids.roles)
       and (s.expires_at is null or s.expires_at > now())
    union
    select s.composition_id
      from public.organization_members as m
      join public.shared_compositions as s on s.organization_id = m.organization_id
     where m.user_id = (select auth.uid())
       and s.role = any (shared_with_me_ids.roles)
       and (s.expires_at is null or s.expires_at > now())
  );
end;
$$;
