-- Ask a client that moves a default of an organisation for its role once more: the policy was
-- evaluated before the row was locked, and whoever held it may have been taking the role away. As
-- with any row that a policy hides, there is then nothing to update, and no error.
create function private.guard_pin() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if current_user = 'authenticated'
    and old.organization_id is not null
    and old.organization_id <> all (private.my_administered_organization_ids())
  then
    return null;
  end if;
  return new;
end;
$$;

create trigger composition_pins_guard
  before update of position on public.composition_pins
  for each row execute function private.guard_pin();
