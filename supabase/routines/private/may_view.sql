-- Whether load_composition() would answer somebody: with a composition in the trash, it refuses its
-- owners, too.
--
--   composition_id  any id
--   user_id         who would load it
--
-- Definer rights: as private.composition_access().
create function private.may_view(composition_id uuid, user_id uuid) returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access record := private.composition_access(may_view.composition_id, may_view.user_id);
begin
  return access.role is not null and exists (
    select from public.user_compositions as c
     where c.id = may_view.composition_id and c.deleted_at is null
  );
end;
$$;
