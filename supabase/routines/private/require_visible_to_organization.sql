-- Refuse unless all members of an organisation may view a composition: as its own, or by a share.
--
--   composition      a row of user_compositions that the caller may view
--   organization_id  an organisation of the caller's
--
-- Raises
--   PT409 not_visible_to_organization  it is not the organisation's, nor shared with it
--
-- Definer rights: callers may not see whom a composition is shared with.
create function private.require_visible_to_organization(
  composition     public.user_compositions,
  organization_id uuid
) returns void
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if composition.organization_id is distinct from require_visible_to_organization.organization_id
    and not exists (
      select from public.shared_compositions as s
       where s.composition_id = composition.id
         and s.organization_id = require_visible_to_organization.organization_id
         and (s.expires_at is null or s.expires_at > now())
    )
  then
    raise exception 'composition % is not shared with organisation %',
      composition.id, require_visible_to_organization.organization_id using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'not_visible_to_organization',
        'organization_id', require_visible_to_organization.organization_id
      ),
      hint    = 'Share it with the organisation first, or transfer it there.';
  end if;
end;
$$;
