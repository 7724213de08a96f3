-- Refuse an organisation that does not exist for the caller.
--
--   organization_id  the id
--
-- Raises
--   PT404 organization_not_found  always
create function private.refuse_unknown_organization(organization_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'organisation % not found', organization_id using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'organization_not_found'),
    hint    = 'Check the id, or ask an owner of it to add you.';
end;
$$;
