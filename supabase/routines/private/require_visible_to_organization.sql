-- Refuse unless all members of an organisation may view a composition.
--
--   composition_id   a composition that the caller may view
--   organization_id  an organisation of the caller's
--
-- Raises
--   PT409 not_visible_to_organization  it is neither the organisation's nor shared with it
create function private.require_visible_to_organization(composition_id uuid, organization_id uuid)
returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not private.organization_may_view(composition_id, organization_id) then
    raise exception 'composition % is not shared with organisation %',
      composition_id, organization_id using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'not_visible_to_organization', 'organization_id', organization_id
      ),
      hint    = 'Share it with the organisation first, or transfer it there.';
  end if;
end;
$$;
