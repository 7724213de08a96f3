-- Look at what the caller, or an organisation, has changed about a composition for themselves, and
-- how much of that still applies.
--
--   composition_id   a composition the caller may view
--   scope            'me': the caller's own layer; 'organization': that of an organisation
--   organization_id  with scope 'organization': which one; null: the composition's own
--   returns          {composition_id, scope, organization_id, base_version, version, state, paths,
--                    conflicts?, changes, patch, sentences, updated_at}; organization_id is null
--                    with scope 'me'; version is the head. Without a layer, state is 'none'; it is
--                    'applied', 'stale' (parts that it changes are gone) or 'conflict' (parts that
--                    it changes have been changed to something else, or do not go together), and
--                    paths are those of the parts, which look as they do without it, and conflicts
--                    what is there and what the layer has. changes are the paths of all that the
--                    layer changes, for reset_layer(), with elements by their id; patch and
--                    sentences say the same, to the document that the layer was made on
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 organization_not_found  absent, the caller is no member, or the composition is not viewed
--                                 through it
--   PT410 composition_trashed     in the trash
--   PT422 invalid_argument        scope is not known, or an organisation is given that it has not
--
-- Definer rights: as load_composition().
create function public.get_layer(
  composition_id  uuid,
  scope           text default 'me',
  organization_id uuid default null
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_composition_role(get_layer.composition_id, 'viewer');
  return private.layer_summary(
    get_layer.composition_id,
    private.layer_holder(
      get_layer.composition_id, get_layer.scope, get_layer.organization_id, 'member'
    )
  );
end;
$$;
