-- Refuse unless the caller has a role in an organisation.
--
--   organization_id  any id
--   required         'member', 'admin' or 'owner': this role or a higher one
--   returns          the role that the caller has
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, of a lower role than required
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.require_organization_role(organization_id uuid, required text) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  ranks  constant text[] := '{member,admin,owner}';
  caller constant uuid := private.caller_id();
  held   text;
begin
  select m.role into held
    from public.organization_members as m
   where m.organization_id = require_organization_role.organization_id
     and m.user_id = caller;

  if held is null then
    perform private.refuse_unknown_organization(require_organization_role.organization_id);
  end if;

  if array_position(ranks, held) < array_position(ranks, required) then
    raise exception 'this needs the role % in organisation %, not %',
      required, require_organization_role.organization_id, held using
      errcode = 'PT403',
      detail  = jsonb_build_object(
        'code', 'organization_role_too_low', 'role', held, 'required', required
      ),
      hint    = 'Ask a member with that role to do it.';
  end if;

  return held;
end;
$$;
