-- The organisations through which somebody may see a composition: its own, and those that it is
-- shared with.
--
--   composition_id  any id
--   returns         ids, empty when there are none
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
--
-- Definer rights: callers may not see whom a composition is shared with.
create function private.organizations_around(composition_id uuid) returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return array(
    select c.organization_id
      from public.user_compositions as c
     where c.id = organizations_around.composition_id
       and c.organization_id is not null
    union
    select s.organization_id
      from public.shared_compositions as s
     where s.composition_id = organizations_around.composition_id
       and s.organization_id is not null
  );
end;
$$;
