-- List what the caller has pinned, and the defaults of their organisations: those that they may
-- view now.
--
--   returns  [{context, scope, organization_id, composition_id, position, title, role}], the
--            caller's own first, each scope by position and context; scope is 'me' or
--            'organization', role the caller's on the composition: 'owner', 'editor' or 'viewer'
--
-- Raises
--   PT401 not_signed_in  the token names nobody
--
-- Definer rights: as load_composition().
create function public.list_pins() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
begin
  return (
    select coalesce(
             jsonb_agg(
               private.pin_summary(p) || jsonb_build_object('title', c.title, 'role', a.role)
               order by p.organization_id nulls first, p.position, p.context collate "C"
             ),
             '[]'
           )
      from public.composition_pins as p
      join public.user_compositions as c on c.id = p.composition_id and c.deleted_at is null
     cross join lateral private.composition_access(c.id, caller) as a
     where (p.user_id = caller or p.organization_id = any (private.my_organization_ids()))
       and a.role is not null
  );
end;
$$;
