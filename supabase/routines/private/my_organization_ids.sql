-- The organisations that the caller belongs to: one array a statement, for policies.
--
--   returns  ids, empty when there are none
--
-- Definer rights: the policy on organization_members itself asks this.
create function private.my_organization_ids() returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return array(
    select m.organization_id
      from public.organization_members as m
     where m.user_id = (select auth.uid())
  );
end;
$$;
