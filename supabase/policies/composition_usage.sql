-- Who may do what to the counts of a composition's loads: its owners read them. With their
-- composition in the trash they are there for nobody.
--
--            stranger  viewer  editor  owner
--   select      -        -       -      yes
--   insert      -        -       -       -    record_usage()
--   update      -        -       -       -    record_usage()
--   delete      -        -       -       -    record_usage(), of what is old

revoke all on public.composition_usage from anon, authenticated, service_role;
grant select on public.composition_usage to authenticated;

create policy composition_usage_select_owner on public.composition_usage
  for select to authenticated
  using (
    exists (
      select from public.user_compositions as c
       where c.id = composition_usage.composition_id
         and (
           c.owner_id = (select auth.uid())
           or c.organization_id
              = any ((select private.my_administered_organization_ids())::uuid[])
         )
    )
  );
