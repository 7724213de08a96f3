-- Refuse if a person owns as many compositions as a person may.
--
--   user_id  who is about to own one more; their account is held by the caller
--
-- Raises
--   PT403 quota_exceeded  they own as many compositions as a person may
--
-- Counted one at a time a person, or several at once would each find room for the last one. Nobody
-- who holds this waits for a composition that others may hold: it comes after compositions in the
-- order of locks. Who loses a composition needs no turn, since that makes room.
--
-- Definer rights: it counts rows that the policies hide.
create function private.require_quota(user_id uuid) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(require_quota.user_id::text, 0));
  perform private.require_room('max_compositions_per_person', (
    select count(*) from public.user_compositions as c where c.owner_id = require_quota.user_id
  ));
end;
$$;
