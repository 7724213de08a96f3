-- Who may do what to a composition. Its head moves by save_version() and restore_version() alone.
-- An organisation's owners and admins own its compositions, its members view them; whoever owns one
-- is a member. In the trash it is there for nobody: list_my_compositions() shows it to its owners.
--
--            stranger  viewer  editor  owner
--   select      -       yes     yes     yes
--   insert      -        -       -       -    create_composition(), fork_composition()
--   update      -        -      yes     yes   title, description, tags; as update_metadata()
--   delete      -        -       -       -    delete_composition(), purge_composition()

revoke all on public.user_compositions from anon, authenticated, service_role;
grant select, update (title, description, tags) on public.user_compositions to authenticated;

create policy user_compositions_select_reader on public.user_compositions
  for select to authenticated
  using (
    deleted_at is null
    and (
      (organization_id is null and owner_id = (select private.my_id()))
      or organization_id
         = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
      or id = any ((select private.shared_with_me_ids())::uuid[])
    )
  );

create policy user_compositions_update_editor on public.user_compositions
  for update to authenticated
  using (
    deleted_at is null
    and (
      owner_id = (select auth.uid())
      or organization_id = any ((select private.my_administered_organization_ids())::uuid[])
      or id = any ((select private.shared_with_me_ids('{editor}'))::uuid[])
    )
  );
