-- Let caches forget what a changed layer lies over: of a person's, all that they hold for that
-- person; of an organisation's, the composition. A layer that went with its composition is no news.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_layers() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.note_invalidations(
    array(
      select distinct l.composition_id
        from changed as l
        join public.user_compositions as c on c.id = l.composition_id
       where l.user_id is null
    ),
    array(
      select distinct l.user_id
        from changed as l
        join public.user_compositions as c on c.id = l.composition_id
       where l.user_id is not null
    )
  );
  return null;
end;
$$;

create trigger composition_layers_invalidate_inserted
  after insert on public.composition_layers
  referencing new table as changed
  for each statement execute function private.invalidate_layers();

create trigger composition_layers_invalidate_updated
  after update on public.composition_layers
  referencing new table as changed
  for each statement execute function private.invalidate_layers();

create trigger composition_layers_invalidate_deleted
  after delete on public.composition_layers
  referencing old table as changed
  for each statement execute function private.invalidate_layers();
