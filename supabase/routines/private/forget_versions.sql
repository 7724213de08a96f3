-- Collect the content of versions that are deleted, in whatever way: a composition purged, an
-- account deleted, an old version gone.
--
-- Definer rights: nobody may delete content in any other way.
create function private.forget_versions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.collect_content(array(select distinct g.content_hash from gone as g));
  return null;
end;
$$;

create trigger composition_versions_forget
  after delete on public.composition_versions
  referencing old table as gone
  for each statement execute function private.forget_versions();
