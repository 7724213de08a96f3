-- Let caches forget the compositions of which a statement changed what load_composition() shows. An
-- update that changes nothing of that, such as one of search_text alone, is none of theirs.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_compositions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  ids uuid[];
begin
  if tg_op = 'INSERT' then
    -- Without a version there is nothing to load: the head comes as an update.
    ids := array(select c.id from added as c where c.current_version > 0);
  elsif tg_op = 'UPDATE' then
    ids := array(
      select f.id
        from (
          select b.id, b.owner_id, b.organization_id, b.title, b.description, b.tags,
                 b.current_version, b.current_hash, b.updated_at, b.deleted_at, b.forked_from_id,
                 b.forked_from_version
            from before as b
          except
          select a.id, a.owner_id, a.organization_id, a.title, a.description, a.tags,
                 a.current_version, a.current_hash, a.updated_at, a.deleted_at, a.forked_from_id,
                 a.forked_from_version
            from after as a
        ) as f
    );
  else
    ids := array(select c.id from gone as c);
  end if;
  perform private.note_invalidations(ids, '{}');
  return null;
end;
$$;

create trigger user_compositions_invalidate_inserted
  after insert on public.user_compositions
  referencing new table as added
  for each statement execute function private.invalidate_compositions();

create trigger user_compositions_invalidate_updated
  after update on public.user_compositions
  referencing old table as before new table as after
  for each statement execute function private.invalidate_compositions();

create trigger user_compositions_invalidate_deleted
  after delete on public.user_compositions
  referencing old table as gone
  for each statement execute function private.invalidate_compositions();
