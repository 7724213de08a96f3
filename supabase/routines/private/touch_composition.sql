-- Stamp a composition when its head, its metadata, its owner or its organisation changes, or it
-- goes to the trash or comes back. The time is the clock's, not the transaction's: a writer that
-- waited for another one is the later of the two.
--
-- A client that changes the table itself is asked for its role once more: the policy was evaluated
-- before the row was locked, and whoever held it may have been taking the role away. As with any
-- row that a policy hides, there is then nothing to update, and no error.
create function private.touch_composition() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if current_user = 'authenticated'
    and coalesce(private.composition_role(old.id), 'none') not in ('owner', 'editor')
  then
    return null;
  end if;
  new.updated_at := clock_timestamp();
  return new;
end;
$$;

create trigger user_compositions_touch
  before update of owner_id, organization_id, title, description, tags, current_version, deleted_at
  on public.user_compositions
  for each row execute function private.touch_composition();
