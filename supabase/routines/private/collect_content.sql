-- Delete content that no version reaches any more, out of some.
--
--   content_hashes  candidates
--   returns         how many there were to delete
--
-- What a saver holds (private.store_document()) is passed over: it is about to be reached. Whether
-- the rest is reached is asked in a statement of its own, which sees what was committed before the
-- locks were taken.
--
-- Definer rights: nobody may delete content in any other way.
create function private.collect_content(content_hashes bytea[]) returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  free    bytea[];
  deleted integer;
begin
  free := array(
    select d.content_hash
      from public.compositions as d
     where d.content_hash = any (collect_content.content_hashes)
       for update skip locked
  );

  delete from public.compositions as d
   where d.content_hash = any (free)
     and not exists (
       select from public.composition_versions as v where v.content_hash = d.content_hash
     );
  get diagnostics deleted = row_count;
  return deleted;
end;
$$;
