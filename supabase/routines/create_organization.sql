-- Create an organisation, with the caller as its owner.
--
--   name     1 to 200 characters
--   returns  {organization_id, name, role: 'owner', created_at}
--
-- Raises
--   PT401 not_signed_in      the token names nobody
--   PT401 account_not_found  the account of the token is gone
--   PT422 invalid_argument   the name breaks its rule
--
-- Definer rights: nobody may write organisations or members in any other way.
create function public.create_organization(name text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.lock_caller();
  created  public.organizations;
  broken   text;
  argument text;
begin
  insert into public.organizations as o (name)
  values (create_organization.name)
  returning o.* into created;

  insert into public.organization_members (organization_id, user_id, role)
  values (created.id, caller, 'owner');

  return jsonb_build_object(
    'organization_id', created.id,
    'name', created.name,
    'role', 'owner',
    'created_at', created.created_at
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;
