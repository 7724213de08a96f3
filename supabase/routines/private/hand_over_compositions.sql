-- Keep an organisation's work in the organisation: when a membership ends, however it ends, the
-- compositions that the person owned there, those in the trash as well, pass to
-- private.organization_heir(). However many these may own: work is not lost for a quota.
--
-- Definer rights: nobody may change an owner in any other way.
create function private.hand_over_compositions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  heir uuid := private.organization_heir(old.organization_id, old.user_id);
begin
  if heir is not null then
    -- In the order of ids, as all who hold several.
    perform from public.user_compositions as c
      where c.organization_id = old.organization_id
        and c.owner_id = old.user_id
      order by c.id
        for no key update;
    update public.user_compositions as c
       set owner_id = heir
     where c.organization_id = old.organization_id
       and c.owner_id = old.user_id;
  end if;
  return null;
end;
$$;

create trigger organization_members_hand_over
  after delete on public.organization_members
  for each row execute function private.hand_over_compositions();
