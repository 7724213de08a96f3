-- The organisations that the caller belongs to, for functions with definer rights. Policies read
-- private.member_organizations themselves, which is cheaper.
--
--   returns  ids, empty when there are none
--
-- Definer rights: callers may not call it, and those who do look past the policies anyway.
create function private.my_organization_ids() returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return coalesce(
    (select o.organization_ids from private.member_organizations as o where o.user_id = auth.uid()),
    '{}'
  );
end;
$$;
