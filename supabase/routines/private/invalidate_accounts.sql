-- Let caches forget the people whose accounts are deleted: their tokens live on for a while.
--
-- Definer rights: who deletes an account may not write the outbox.
create function private.invalidate_accounts() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.note_invalidations('{}', array(select u.id from gone as u));
  return null;
end;
$$;

create trigger users_invalidate
  after delete on auth.users
  referencing old table as gone
  for each statement execute function private.invalidate_accounts();
