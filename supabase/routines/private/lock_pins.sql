-- Take the pins of a person or an organisation for a change, after everyone who came first: each
-- finds them as they are, and of several at once only one has the room for the last pin.
--
--   owner_id  the id of a person or an organisation
--
-- It comes where private.require_quota() does in the order of locks, after compositions.
create function private.lock_pins(owner_id uuid) returns void
language plpgsql volatile
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('pins of ' || owner_id::text, 0));
end;
$$;
