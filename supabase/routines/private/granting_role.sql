-- The role in an organisation that it takes to give a role to somebody.
--
--   role     the role that is given
--   returns  'owner' for an owner or an admin, 'admin' for anything else
create function private.granting_role(role text) returns text
language sql immutable
set search_path = ''
as $$
  select case when role in ('owner', 'admin') then 'owner' else 'admin' end;
$$;
