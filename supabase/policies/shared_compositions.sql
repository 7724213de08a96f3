-- Who may do what to a share. A link has no grantee: its row is for owners of the composition. With
-- the composition in the trash it is there for nobody.
--
--            stranger  grantee  owner of the composition
--   select      -       yes      yes
--   insert      -        -        -    share_composition(), create_share_link(),
--                                       accept_share_link()
--   update      -        -        -    share_composition()
--   delete      -        -        -    unshare_composition(), revoke_share_link()

revoke all on public.shared_compositions from anon, authenticated, service_role;
grant select on public.shared_compositions to authenticated;

create policy shared_compositions_select_party on public.shared_compositions
  for select to authenticated
  using (
    exists (
      select from public.user_compositions as c
       where c.id = shared_compositions.composition_id
         and (
           shared_compositions.user_id = (select auth.uid())
           or shared_compositions.organization_id
              = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
           or c.owner_id = (select auth.uid())
           or c.organization_id
              = any ((select private.my_administered_organization_ids())::uuid[])
         )
    )
  );
