-- Let caches forget the people for whom a statement changed what is pinned: whose pin it is, or all
-- members of the organisation.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_pins() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  user_ids         uuid[];
  organization_ids uuid[];
begin
  if tg_op = 'INSERT' then
    select array_agg(p.user_id), array_agg(p.organization_id)
      into user_ids, organization_ids
      from added as p;
  elsif tg_op = 'UPDATE' then
    with was as (
      select b.user_id, b.organization_id, b.context, b.composition_id, b.position
        from before as b
    ),
    is_now as (
      select a.user_id, a.organization_id, a.context, a.composition_id, a.position
        from after as a
    )
    select array_agg(f.user_id), array_agg(f.organization_id)
      into user_ids, organization_ids
      from (
        (table was except table is_now)
        union all
        (table is_now except table was)
      ) as f;
  else
    select array_agg(p.user_id), array_agg(p.organization_id)
      into user_ids, organization_ids
      from gone as p;
  end if;

  perform private.note_invalidations('{}', array(
    select u.id from unnest(user_ids) as u (id) where u.id is not null
    union
    select m.user_id
      from public.organization_members as m
     where m.organization_id = any (organization_ids)
  ));
  return null;
end;
$$;

create trigger composition_pins_invalidate_inserted
  after insert on public.composition_pins
  referencing new table as added
  for each statement execute function private.invalidate_pins();

create trigger composition_pins_invalidate_updated
  after update on public.composition_pins
  referencing old table as before new table as after
  for each statement execute function private.invalidate_pins();

create trigger composition_pins_invalidate_deleted
  after delete on public.composition_pins
  referencing old table as gone
  for each statement execute function private.invalidate_pins();
