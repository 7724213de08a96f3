-- Let caches forget the people of whom a statement changed what they are in an organisation: each
-- of its compositions is another one for them now, or none, and so is what is shared with it.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_members() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  ids uuid[];
begin
  if tg_op = 'INSERT' then
    ids := array(select distinct m.user_id from added as m);
  elsif tg_op = 'UPDATE' then
    ids := array(
      with was as (select b.organization_id, b.user_id, b.role from before as b),
      is_now as (select a.organization_id, a.user_id, a.role from after as a)
      select f.user_id from (table was except table is_now) as f
      union
      select f.user_id from (table is_now except table was) as f
    );
  else
    ids := array(select distinct m.user_id from gone as m);
  end if;
  perform private.note_invalidations('{}', ids);
  return null;
end;
$$;

create trigger organization_members_invalidate_inserted
  after insert on public.organization_members
  referencing new table as added
  for each statement execute function private.invalidate_members();

create trigger organization_members_invalidate_updated
  after update on public.organization_members
  referencing old table as before new table as after
  for each statement execute function private.invalidate_members();

create trigger organization_members_invalidate_deleted
  after delete on public.organization_members
  referencing old table as gone
  for each statement execute function private.invalidate_members();
