-- Who may do what to an organisation.
--
--            stranger  member
--   select      -       yes
--   insert      -        -     create_organization()
--   update      -        -
--   delete      -        -

revoke all on public.organizations from anon, authenticated, service_role;
grant select on public.organizations to authenticated;

create policy organizations_select_member on public.organizations
  for select to authenticated
  using (id = any ((select o.organization_ids from private.member_organizations as o)::uuid[]));
