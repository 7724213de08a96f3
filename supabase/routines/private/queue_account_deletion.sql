-- Delete accounts one after another. Each passes work on to a colleague, whose account must not
-- just be going, too; and here, unlike in private.forget_account(), nothing is locked yet.
create function private.queue_account_deletion() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('private.queue_account_deletion', 0));
  return null;
end;
$$;

create trigger users_queue_deletion
  before delete on auth.users
  for each statement execute function private.queue_account_deletion();
