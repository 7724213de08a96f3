-- Hold memberships until the end of the transaction: whoever ends one of them, or changes its role,
-- waits until what rests on it is done.
--
--   user_ids          some people
--   organization_ids  some organisations; nulls are none
--
-- Definer rights: callers may not lock rows.
create function private.lock_memberships(user_ids uuid[], organization_ids uuid[]) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform from public.organization_members as m
    where m.user_id = any (lock_memberships.user_ids)
      and m.organization_id = any (lock_memberships.organization_ids)
    order by m.organization_id, m.user_id
      for share;
end;
$$;
