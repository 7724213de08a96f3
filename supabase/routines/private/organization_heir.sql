-- Who takes over in an organisation: its longest-standing owner; failing that, admin, then member.
--
--   organization_id  any id
--   returns          the id of a member, or null: there is none
--
-- Definer rights: it must see all members.
create function private.organization_heir(organization_id uuid) returns uuid
language sql stable security definer
set search_path = ''
as $$
  select m.user_id
    from public.organization_members as m
   where m.organization_id = organization_heir.organization_id
   order by array_position('{owner,admin,member}'::text[], m.role), m.created_at, m.user_id
   limit 1;
$$;
