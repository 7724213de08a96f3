-- Who may do what to content: read it through a version they may read.
--
--            stranger  reader of a version with this content
--   select      -       yes
--   insert      -        -    save_version() and all others that append
--   update      -        -
--   delete      -        -
--
-- The columns are listed because a grant on the table would include xmin, which tells whether
-- somebody stored the same content before.

revoke all on public.compositions from anon, authenticated, service_role;
grant select (content_hash, document) on public.compositions to authenticated;

-- The policy on composition_versions decides; this one asks it.
create policy compositions_select_reader on public.compositions
  for select to authenticated
  using (
    exists (
      select from public.composition_versions as v
       where v.content_hash = compositions.content_hash
    )
  );
