-- Let caches forget the members of organisations that a statement renamed: load_home() and the
-- reason of resolve_context() show the name.
--
-- Definer rights: whoever renames an organisation may not write the outbox.
create function private.invalidate_organizations() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.note_invalidations('{}', array(
    select distinct m.user_id
      from before as b
      join after as a on a.id = b.id and a.name <> b.name
      join public.organization_members as m on m.organization_id = a.id
  ));
  return null;
end;
$$;

create trigger organizations_invalidate
  after update on public.organizations
  referencing old table as before new table as after
  for each statement execute function private.invalidate_organizations();
