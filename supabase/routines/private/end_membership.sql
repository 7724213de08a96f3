-- End a membership, and with it what invitation of the same person is still open: who was removed
-- does not come back by one that was made before. With its last member an organisation is deleted,
-- and what was in it.
--
--   member   the row, of an organisation locked by private.lock_organization()
--   returns  the membership that ended: {organization_id, user_id, role, created_at}
--
-- Raises
--   PT409 last_owner  the organisation would be without an owner
--
-- Definer rights: nobody may write members or invitations in any other way.
create function private.end_membership(member public.organization_members) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if member.role = 'owner' and exists (
    select from public.organization_members as m
     where m.organization_id = member.organization_id and m.user_id <> member.user_id
  ) then
    perform private.require_other_owner(member.organization_id, member.user_id);
  end if;

  delete from public.organization_members as m
   where m.organization_id = member.organization_id
     and m.user_id = member.user_id;

  delete from public.organization_invitations as i
   using auth.users as u
   where u.id = member.user_id
     and i.organization_id = member.organization_id
     and i.email = lower(u.email);

  perform private.close_organization(member.organization_id);
  return private.member_summary(member);
end;
$$;
