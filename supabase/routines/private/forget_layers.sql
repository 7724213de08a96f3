-- Collect the documents that layers were made on, once these are changed or deleted, in whatever
-- way.
--
-- Definer rights: nobody may delete content in any other way.
create function private.forget_layers() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.collect_content(array(select distinct g.base_hash from gone as g));
  return null;
end;
$$;

create trigger composition_layers_forget_updated
  after update on public.composition_layers
  referencing old table as gone
  for each statement execute function private.forget_layers();

create trigger composition_layers_forget_deleted
  after delete on public.composition_layers
  referencing old table as gone
  for each statement execute function private.forget_layers();
