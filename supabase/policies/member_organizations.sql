-- Who may do what to the list of a person's organisations: read one's own. Other policies do, as
-- the person who asks, so its policy is what makes `select … from private.member_organizations`
-- in them the caller's own row.
--
--            others  the person
--   select     -        yes
--   insert     -         -     private.note_membership()
--   update     -         -     private.note_membership()
--   delete     -         -

revoke all on private.member_organizations from anon, authenticated, service_role;
grant select on private.member_organizations to authenticated;

create policy member_organizations_select_own on private.member_organizations
  for select to authenticated
  using (user_id = (select auth.uid()));
