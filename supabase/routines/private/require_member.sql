-- The membership of a person in an organisation.
--
--   organization_id  an organisation that the caller may manage
--   user_id          any id
--   returns          the row
--
-- Raises
--   PT404 member_not_found  the person is no member
--
-- Definer rights: it must see all members.
create function private.require_member(organization_id uuid, user_id uuid)
returns public.organization_members
language plpgsql stable security definer
set search_path = ''
as $$
declare
  member public.organization_members;
begin
  select m.* into member
    from public.organization_members as m
   where m.organization_id = require_member.organization_id
     and m.user_id = require_member.user_id;

  if member.user_id is null then
    raise exception 'user % is no member', require_member.user_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'member_not_found'),
      hint    = 'Pick one of the rows of organization_members.';
  end if;
  return member;
end;
$$;
