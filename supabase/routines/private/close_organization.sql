-- Delete an organisation that its last member has left, and what was in it.
--
--   organization_id  an organisation locked by the caller; kept if it has members
--
-- Definer rights: nobody may delete an organisation in any other way.
create function private.close_organization(organization_id uuid) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if not exists (
    select from public.organization_members as m
     where m.organization_id = close_organization.organization_id
  ) then
    -- In the order of ids, as all who hold several; those of others too, which lose a share or a
    -- layer.
    perform from public.user_compositions as c
      where c.organization_id = close_organization.organization_id
         or c.id in (
              select s.composition_id
                from public.shared_compositions as s
               where s.organization_id = close_organization.organization_id
              union
              select l.composition_id
                from public.composition_layers as l
               where l.organization_id = close_organization.organization_id
            )
      order by c.id
        for update;
    delete from public.user_compositions as c
     where c.organization_id = close_organization.organization_id;
    delete from public.organizations as o
     where o.id = close_organization.organization_id;
  end if;
end;
$$;
