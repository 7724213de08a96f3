-- What a fork becomes with what was changed since in what it was made from.
--
--   fork       a row of user_compositions
--   upstream   the row of what it was made from, which the caller may view
--   head       the document of the fork as it is
--   merged     with the changes of both; where both changed the same, it is as in the fork. Null:
--              the changes of both do not go together
--   conflicts  where both changed the same: private.merge_documents(), with the fork as head
--
-- Raises
--   PT404 version_not_found  the version that the fork stands on was deleted for its age
--
-- Definer rights: it reads the content store.
create function private.upstream_merge(
  fork          public.user_compositions,
  upstream      public.user_compositions,
  out head      jsonb,
  out merged    jsonb,
  out conflicts jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  head := (select d.document from public.compositions as d where d.content_hash = fork.current_hash);

  -- What the fork has deleted stays deleted.
  select m.merged, m.conflicts into upstream_merge.merged, upstream_merge.conflicts
    from private.merge_documents(
      public.get_version(upstream.id, fork.forked_from_version) -> 'document',
      head,
      (select d.document from public.compositions as d where d.content_hash = upstream.current_hash),
      keep_edits => false
    ) as m;
end;
$$;
