-- A membership as answers show it.
--
--   member   a row of organization_members that the caller may read
--   returns  {organization_id, user_id, role, created_at}
create function private.member_summary(member public.organization_members) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'organization_id', member.organization_id,
    'user_id', member.user_id,
    'role', member.role,
    'created_at', member.created_at
  );
$$;
