-- Refuse unless the caller may make a person the owner of a composition.
--
--   user_id          who would own it: the caller, or somebody who knows them
--   organization_id  the organisation that it would belong to; null: personal
--   returns          an organisation that both belong to, which is how they know each other; null:
--                    the caller keeps it, as a personal one
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT404 organization_not_found  absent, or the caller is no member
--   PT404 member_not_found        the person is no member of it
--   PT404 user_not_found          no account, or one that is in no organisation with the caller
--
-- A stranger is no receiver, and cannot be told from an account that does not exist.
--
-- Definer rights: it must see all members.
create function private.require_receiver(user_id uuid, organization_id uuid) returns uuid
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  common uuid := require_receiver.organization_id;
begin
  if common is not null then
    perform private.require_organization_role(common, 'member');
    perform private.require_member(common, require_receiver.user_id);
  elsif require_receiver.user_id <> caller then
    select m.organization_id into common
      from public.organization_members as m
     where m.user_id = require_receiver.user_id
       and m.organization_id = any (private.my_organization_ids())
     order by m.organization_id
     limit 1;

    if common is null then
      perform private.refuse_unknown_user(require_receiver.user_id);
    end if;
  end if;
  return common;
end;
$$;
