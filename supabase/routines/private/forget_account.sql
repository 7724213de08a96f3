-- End the memberships of an account before it is deleted: an organisation's work passes to those
-- who stay (private.hand_over_compositions()), who get an owner if they have none left; an
-- organisation without members goes, and what was in it. All else that is theirs goes by cascade,
-- which comes after this.
--
-- Definer rights: whoever deletes an account need not be a member.
create function private.forget_account() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  left_id uuid;
  heir    uuid;
begin
  -- All at once and in one order: whoever ends another membership of the same person waits for one
  -- of them, too, before there is anything that both want.
  perform from public.organizations as o
    where o.id in (select m.organization_id from public.organization_members as m
                    where m.user_id = old.id)
    order by o.id
      for no key update;

  for left_id in
    select m.organization_id
      from public.organization_members as m
     where m.user_id = old.id
     order by m.organization_id
  loop
    delete from public.organization_members as m
     where m.organization_id = left_id and m.user_id = old.id;

    heir := private.organization_heir(left_id);
    update public.organization_members as m
       set role = 'owner'
     where m.organization_id = left_id and m.user_id = heir;

    perform private.close_organization(left_id);
  end loop;
  return old;
end;
$$;

create trigger users_forget_account
  before delete on auth.users
  for each row execute function private.forget_account();
