-- End the memberships of an account before it is deleted: an organisation's work passes to those
-- who stay (private.hand_over_compositions()), who get an owner if they have none left; an
-- organisation without members goes, and what was in it. So do invitations to their address. All
-- else that is theirs goes by cascade, which comes after this.
--
-- Locks are taken in the order that private.lock_caller() names, each kind for all organisations
-- before the next one, and all compositions in which the cascades will touch a row: so nobody who
-- waits for this is waited for.
--
-- Definer rights: whoever deletes an account need not be a member.
create function private.forget_account() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  left_ids uuid[];
  left_id  uuid;
  heir     uuid;
begin
  left_ids := array(
    select m.organization_id
      from public.organization_members as m
     where m.user_id = old.id
     order by m.organization_id
  );
  perform from public.organizations as o
    where o.id = any (left_ids)
    order by o.id
      for no key update;

  foreach left_id in array left_ids loop
    heir := private.organization_heir(left_id, old.id);
    update public.organization_members as m
       set role = 'owner'
     where m.organization_id = left_id and m.user_id = heir and m.role <> 'owner';
  end loop;

  perform from public.user_compositions as c
    where c.id in (
      select c.id from public.user_compositions as c where c.owner_id = old.id
      union
      select v.composition_id from public.composition_versions as v where v.author_id = old.id
      union
      select s.composition_id
        from public.shared_compositions as s
       where s.user_id = old.id or s.created_by = old.id
      union
      select l.composition_id from public.composition_layers as l where l.user_id = old.id
      union
      select s.composition_id  -- of an organisation that goes with its last member
        from public.shared_compositions as s
       where s.organization_id = any (left_ids)
         and not exists (
           select from public.organization_members as m
            where m.organization_id = s.organization_id and m.user_id <> old.id
         )
      union
      select l.composition_id  -- and what it changed about others'
        from public.composition_layers as l
       where l.organization_id = any (left_ids)
         and not exists (
           select from public.organization_members as m
            where m.organization_id = l.organization_id and m.user_id <> old.id
         )
    )
    order by c.id
      for update;

  delete from public.organization_members as m where m.user_id = old.id;
  delete from public.organization_invitations as i where i.email = lower(old.email);

  foreach left_id in array left_ids loop
    perform private.close_organization(left_id);
  end loop;
  return old;
end;
$$;

create trigger users_forget_account
  before delete on auth.users
  for each row execute function private.forget_account();
