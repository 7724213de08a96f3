-- Who takes over in an organisation: its longest-standing owner; failing that, admin, then member.
--
--   organization_id  an organisation; who is to rely on the answer has it locked
--   user_id          who leaves it
--   returns          the id of another member, or null: there is none
--
-- An account that is just being deleted is passed over if there is another one: waiting for it
-- could be waiting in a circle.
--
-- Definer rights: it must see all members.
create function private.organization_heir(organization_id uuid, user_id uuid) returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  ranks constant text[] := '{owner,admin,member}';
  heir  uuid;
begin
  select m.user_id into heir
    from public.organization_members as m
    join auth.users as u on u.id = m.user_id
   where m.organization_id = organization_heir.organization_id
     and m.user_id <> organization_heir.user_id
   order by array_position(ranks, m.role), m.created_at, m.user_id
   limit 1
     for key share of u skip locked;

  if heir is null then
    select m.user_id into heir
      from public.organization_members as m
     where m.organization_id = organization_heir.organization_id
       and m.user_id <> organization_heir.user_id
     order by array_position(ranks, m.role), m.created_at, m.user_id
     limit 1;
  end if;
  return heir;
end;
$$;
