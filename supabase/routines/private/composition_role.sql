-- What the caller may do with a composition.
--
--   composition_id  any id
--   returns         'owner', 'editor', 'viewer', or null: it does not exist for the caller; in the
--                   trash it exists for its owners alone
--
-- Definer rights: as private.composition_access(), which is for anybody's role.
create function private.composition_role(composition_id uuid) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access record := private.composition_access(composition_role.composition_id, auth.uid());
begin
  return access.role;
end;
$$;
