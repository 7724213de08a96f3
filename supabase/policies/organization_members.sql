-- Who may do what to the memberships of an organisation. Roles move by functions alone, so nobody
-- can raise their own.
--
--            stranger  member
--   select      -       yes    of all members
--   insert      -        -     add_organization_member()
--   update      -        -     set_organization_role()
--   delete      -        -     remove_organization_member(), leave_organization()

revoke all on public.organization_members from anon, authenticated, service_role;
grant select on public.organization_members to authenticated;

create policy organization_members_select_member on public.organization_members
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or organization_id
       = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
  );
