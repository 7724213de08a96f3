-- List the shares of a composition, oldest first: all of them for an owner, for others those that
-- concern them.
--
--   composition_id  a composition the caller may view
--   returns         [{composition_id, user_id, organization_id, link_id, role, expires_at,
--                   created_by, created_at}], expired ones included; a link has neither a user_id
--                   nor an organization_id, who came by one has its link_id
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- Definer rights: as load_composition().
create function public.list_shares(composition_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  held constant text := private.require_composition_role(list_shares.composition_id, 'viewer');
begin
  return (
    select coalesce(jsonb_agg(private.share_summary(s) order by s.created_at, s.id), '[]')
      from public.shared_compositions as s
     where s.composition_id = list_shares.composition_id
       and (
         held = 'owner'
         or s.user_id = auth.uid()
         or s.organization_id = any (private.my_organization_ids())
       )
  );
end;
$$;
