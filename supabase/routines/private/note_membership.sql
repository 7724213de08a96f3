-- Keep the organisations of a person in private.member_organizations equal to their memberships,
-- which are added and deleted, and never pass to another person or organisation.
--
-- Definer rights: nobody may write that table in any other way.
create function private.note_membership() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    insert into private.member_organizations as o (user_id, organization_ids)
    values (new.user_id, array[new.organization_id])
    on conflict on constraint member_organizations_pkey do update
       set organization_ids = o.organization_ids || excluded.organization_ids;
  else
    update private.member_organizations as o
       set organization_ids = array_remove(o.organization_ids, old.organization_id)
     where o.user_id = old.user_id;
  end if;
  return null;
end;
$$;

create trigger organization_members_note
  after insert or delete on public.organization_members
  for each row execute function private.note_membership();
