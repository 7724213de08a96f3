-- Who may do what to a version: read it with its composition. Nobody changes one, all but its
-- label.
--
--            stranger  viewer  editor  owner
--   select      -       yes     yes     yes
--   insert      -        -       -       -    save_version() and all others that append
--   update      -        -       -       -    label_version()
--   delete      -        -       -       -    purge_versions(), a job

revoke all on public.composition_versions from anon, authenticated, service_role;
grant select on public.composition_versions to authenticated;

-- The policy on user_compositions decides; this one asks it.
create policy composition_versions_select_reader on public.composition_versions
  for select to authenticated
  using (
    exists (
      select from public.user_compositions as c
       where c.id = composition_versions.composition_id
    )
  );
