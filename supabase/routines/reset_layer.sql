-- Take back what the caller, or an organisation, has changed about a composition for themselves.
--
--   composition_id   a composition the caller may view
--   paths            take back what was changed at one of these paths or below it; null: everything
--   scope            'me': the caller's own layer; 'organization': that of an organisation, by an
--                    admin of it
--   organization_id  with scope 'organization': which one; null: the composition's own
--   origin           who made it and how: {kind?, agent?, conversation?, turn?}; null: the caller
--   returns          what is left: {composition_id, scope, organization_id, base_version, version,
--                    state, paths, conflicts?, changes, patch, sentences, updated_at}, as
--                    get_layer()
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 layer_path_not_found       the layer changes nothing at one of the paths or below it
--   PT410 composition_trashed        in the trash
--   PT422 invalid_document           what is left of the layer does not go without the rest
--   PT422 invalid_argument           a path or the origin is none, scope is not known, or an
--                                    organisation is given that it has not
--
-- Paths are those that get_layer() lists as changes, or paths around them, as in its conflicts.
-- Parts that need each other, such as a component and the one that holds it, go in one call.
--
-- Definer rights: nobody may write layers in any other way.
create function public.reset_layer(
  composition_id  uuid,
  paths           text[] default null,
  scope           text default 'me',
  organization_id uuid default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder  constant uuid := private.lock_layer(
    reset_layer.composition_id, reset_layer.scope, reset_layer.organization_id
  );
  layer   constant public.composition_layers :=
    private.find_layer(reset_layer.composition_id, holder);
  base    jsonb;
  wanted  jsonb;
begin
  select d.document, private.on_base(d.document, layer.patch)
    into base, wanted
    from public.compositions as d
   where d.content_hash = layer.base_hash;

  if paths is not null then
    perform private.require_layer_paths(paths, base, wanted);
  end if;
  if layer.id is not null then
    perform private.put_layer(
      reset_layer.composition_id,
      holder,
      layer.base_version,
      base,
      case when paths is null then base else private.take_back(base, wanted, paths) end,
      reset_layer.origin
    );
  end if;
  return private.layer_summary(reset_layer.composition_id, holder);
end;
$$;
