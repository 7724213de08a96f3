-- Collect the documents that layers of turns were made on, once these turns are forgotten, in
-- whatever way.
--
-- Definer rights: nobody may delete content in any other way.
create function private.forget_turn_bases() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.collect_content(array(
    select distinct g.base_hash from gone as g where g.base_hash is not null
  ));
  return null;
end;
$$;

create trigger turn_changes_forget
  after delete on private.turn_changes
  referencing old table as gone
  for each statement execute function private.forget_turn_bases();
