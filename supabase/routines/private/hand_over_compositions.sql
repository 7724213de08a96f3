-- Keep an organisation's work in the organisation: when a membership ends, however it ends, the
-- compositions that the person owned there pass to its longest-standing owner (failing that, admin,
-- then member).
--
-- Definer rights: nobody may change an owner in any other way.
create function private.hand_over_compositions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  update public.user_compositions as c
     set owner_id = heir.user_id
    from (
      select m.user_id
        from public.organization_members as m
       where m.organization_id = old.organization_id
       order by array_position('{owner,admin,member}'::text[], m.role), m.created_at, m.user_id
       limit 1
    ) as heir
   where c.organization_id = old.organization_id
     and c.owner_id = old.user_id;
  return null;
end;
$$;

create trigger organization_members_hand_over
  after delete on public.organization_members
  for each row execute function private.hand_over_compositions();
