-- Whether an organisation is one through which its members may view a composition: its own, or one
-- that it is shared with.
--
--   composition_id   any id
--   organization_id  any id
--
-- Definer rights: callers may not see whom a composition is shared with.
create function private.organization_may_view(composition_id uuid, organization_id uuid)
returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return exists (
    select from public.user_compositions as c
     where c.id = organization_may_view.composition_id
       and c.organization_id = organization_may_view.organization_id
  ) or exists (
    select from public.shared_compositions as s
     where s.composition_id = organization_may_view.composition_id
       and s.user_id is null
       and s.organization_id = organization_may_view.organization_id
       and (s.expires_at is null or s.expires_at > now())
  );
end;
$$;
