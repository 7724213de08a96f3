-- A person's organisations as one array, which policies read instead of building it.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The organisations of a person once more, as one array, for policies: building it anew for every
-- statement took longer than all the rest. organization_members is what counts;
-- private.note_membership() keeps this one equal to it.
create table private.member_organizations (
  user_id          uuid   not null,
  organization_ids uuid[] not null,

  constraint member_organizations_pkey primary key (user_id),
  constraint member_organizations_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade
);

alter table private.member_organizations enable row level security;

-- The person who calls, for policies: auth.uid(), which is spelled out in the plan of every
-- statement and costs something there even if no row ever asks for it. A call of this does not.
--
--   returns  the id of an account, or null: the token names nobody
create function private.my_id() returns uuid
language plpgsql stable
set search_path = ''
as $$
begin
  return auth.uid();
end;
$$;

-- The organisations that the caller belongs to, for functions with definer rights. Policies read
-- private.member_organizations themselves, which is cheaper.
--
--   returns  ids, empty when there are none
--
-- Definer rights: callers may not call it, and those who do look past the policies anyway.
create or replace function private.my_organization_ids() returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return coalesce(
    (select o.organization_ids from private.member_organizations as o where o.user_id = auth.uid()),
    '{}'
  );
end;
$$;

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

-- After the trigger, which lets nobody write memberships until this has committed.
insert into private.member_organizations (user_id, organization_ids)
select m.user_id, array_agg(m.organization_id order by m.organization_id)
  from public.organization_members as m
 group by m.user_id;

-- Who may do what to the list of a person's organisations: read one's own. Other policies do, as
-- the person who asks, so its policy is what makes `select … from private.member_organizations`
-- in them the caller's own row.
--
--            others  the person
--   select     -        yes
--   insert     -         -     private.note_membership()
--   update     -         -     private.note_membership()
--   delete     -         -

revoke all on private.member_organizations from anon, authenticated, service_role;
grant select on private.member_organizations to authenticated;

create policy member_organizations_select_own on private.member_organizations
  for select to authenticated
  using (user_id = (select auth.uid()));

drop policy organization_members_select_member on public.organization_members;
create policy organization_members_select_member on public.organization_members
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or organization_id
       = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
  );

drop policy organizations_select_member on public.organizations;
create policy organizations_select_member on public.organizations
  for select to authenticated
  using (id = any ((select o.organization_ids from private.member_organizations as o)::uuid[]));

drop policy shared_compositions_select_party on public.shared_compositions;
create policy shared_compositions_select_party on public.shared_compositions
  for select to authenticated
  using (
    exists (
      select from public.user_compositions as c
       where c.id = shared_compositions.composition_id
         and (
           shared_compositions.user_id = (select auth.uid())
           or shared_compositions.organization_id
              = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
           or c.owner_id = (select auth.uid())
           or c.organization_id
              = any ((select private.my_administered_organization_ids())::uuid[])
         )
    )
  );

drop policy user_compositions_select_reader on public.user_compositions;
create policy user_compositions_select_reader on public.user_compositions
  for select to authenticated
  using (
    deleted_at is null
    and (
      (organization_id is null and owner_id = (select private.my_id()))
      or organization_id
         = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
      or id = any ((select private.shared_with_me_ids())::uuid[])
    )
  );

grant execute on function private.my_id() to authenticated;
revoke execute on function private.my_organization_ids() from authenticated;
