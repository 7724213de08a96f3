-- Delete content that nothing reaches any more, no version, no layer, and no layer that undo_turn()
-- might bring back, out of some.
--
--   content_hashes  candidates
--   returns         how many there were to delete
--
-- What somebody holds is passed over, and noted for later: a saver (private.store_document()) is
-- about to reach it, unless that comes to nothing, and of two who collect it at once neither sees
-- that the other one's versions are gone. Whether the rest is reached is asked in a statement of
-- its own, which sees what was committed before the locks were taken.
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

  insert into private.passed_over_content (content_hash)
  select d.content_hash
    from public.compositions as d
   where d.content_hash in (
           select c.content_hash from unnest(collect_content.content_hashes) as c (content_hash)
           except
           select f.content_hash from unnest(free) as f (content_hash)
         );

  delete from public.compositions as d
   where d.content_hash = any (free)
     and not exists (
       select from public.composition_versions as v where v.content_hash = d.content_hash
     )
     and not exists (
       select from public.composition_layers as l where l.base_hash = d.content_hash
     )
     and not exists (
       select from private.turn_changes as t where t.base_hash = d.content_hash
     );
  get diagnostics deleted = row_count;
  return deleted;
end;
$$;
