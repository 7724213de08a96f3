-- Who may do what to an invitation. By the table nobody may do anything: the functions tell admins
-- and owners what they may see.
--
--            stranger  invited  member  admin  owner
--   select      -         -       -       -      -    list_invitations()
--   insert      -         -       -       -      -    invite_to_organization()
--   update      -         -       -       -      -
--   delete      -         -       -       -      -    accept_invitation(), revoke_invitation()

revoke all on public.organization_invitations from anon, authenticated, service_role;
