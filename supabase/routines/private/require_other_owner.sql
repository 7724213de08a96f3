-- Refuse if nobody but this person owns an organisation.
--
--   organization_id  an organisation, locked by private.lock_organization()
--   user_id          who is about to stop being an owner
--
-- Raises
--   PT409 last_owner  there is no other owner
--
-- Definer rights: it must see all members.
create function private.require_other_owner(organization_id uuid, user_id uuid) returns void
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if not exists (
    select from public.organization_members as m
     where m.organization_id = require_other_owner.organization_id
       and m.user_id <> require_other_owner.user_id
       and m.role = 'owner'
  ) then
    raise exception 'organisation % would be without an owner',
      require_other_owner.organization_id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'last_owner'),
      hint    = 'Make someone else an owner first.';
  end if;
end;
$$;
