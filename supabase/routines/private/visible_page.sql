-- Some of what the caller may view, last changed first, from a place in that order on.
--
--   filter    what private.composition_filter() returns
--   after_at  updated_at, and
--   after_id  id of what comes right before
--   rows      how many at most
--   returns   ids with their updated_at, each once
--
-- Which ways of seeing a composition can lead to a match; private.walk_page() walks them. In the
-- trash shares lead nowhere, and of organisations those that the caller administers count.
--
-- Definer rights: what a way leads to is visible; the policies would ask for each row.
create function private.visible_page(
  filter   jsonb,
  after_at timestamptz,
  after_id uuid,
  rows     integer
) returns table (id uuid, updated_at timestamptz)
language plpgsql stable security definer rows 50
set search_path = ''
as $$
declare
  trashed         constant boolean := coalesce((filter ->> 'trashed')::boolean, false);
  owner_id        constant uuid    := filter ->> 'owner_id';
  organization_id constant uuid    := filter ->> 'organization_id';
  caller          constant uuid    := auth.uid();
  mine            constant uuid[]  :=
    case when trashed then private.my_administered_organization_ids()
         else private.my_organization_ids() end;
  owner           uuid;
  organizations   uuid[] := '{}';
  shared          uuid[] := '{}';
begin
  if (filter ->> 'shared')::boolean then
    shared := array(
      select c.id
        from public.user_compositions as c
       where c.id = any (private.shared_with_me_ids())
         and c.owner_id <> caller
         and (c.organization_id = any (mine)) is not true
         and not trashed
    );
  elsif organization_id = any (mine) then
    organizations := array[organization_id];
  elsif owner_id = caller then
    owner := caller;
  else
    if owner_id is null then
      owner := caller;
    end if;
    if organization_id is null then
      organizations := mine;
    end if;
    if not trashed and not filter ? 'shared' then
      shared := private.shared_with_me_ids();
    end if;
  end if;

  return query
    select w.id, w.updated_at
      from private.walk_page(
        filter, visible_page.after_at, visible_page.after_id, visible_page.rows,
        owner, organizations, shared
      ) as w;
end;
$$;
