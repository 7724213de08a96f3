-- Change how a composition looks, for oneself alone or for an organisation: a layer on top of it,
-- which stays as the composition changes.
--
--   composition_id   a composition the caller may view
--   base_version     the version that the patch was made on
--   patch            what is to look different
--   scope            'me': for the caller; 'organization': for its members, by an admin of it
--   organization_id  with scope 'organization': which one; null: the composition's own
--   format           'json-patch' (RFC 6902) or 'merge-patch' (RFC 7396)
--   mode             'replace': the patch is all of the layer, and made on what lies beneath it;
--                    'extend': it is made on what the composition looks like with the layer
--   origin           who made it and how: {kind?, agent?, conversation?, turn?}; null: the caller
--   returns          {composition_id, scope, organization_id, base_version, version, state, paths,
--                    conflicts?, changes, patch, sentences, updated_at}, as get_layer()
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 version_not_found          the composition has no such version, or no longer
--   PT409 patch_path_not_found       nothing is where the patch looks for something
--   PT409 patch_test_failed          something else is where the patch tests
--   PT410 composition_trashed        in the trash
--   PT422 invalid_patch              the patch is none
--   PT422 invalid_document           what the patch makes, with every problem found
--   PT422 invalid_argument           base_version is null; scope, format, mode or origin is not
--                                    known; or an organisation is given that the scope has not
--
-- What lies beneath the layer of a person is the version with the layers of their organisations on
-- it. With mode 'extend', what did not apply any more of the layer is no part of it from then on. A
-- layer that changes nothing is none.
--
-- Definer rights: nobody may write layers in any other way.
create function public.set_layer(
  composition_id  uuid,
  base_version    integer,
  patch           jsonb,
  scope           text default 'me',
  organization_id uuid default null,
  format          text default 'json-patch',
  mode            text default 'replace',
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  layer record;
begin
  if set_layer.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;
  if set_layer.mode is null or set_layer.mode not in ('replace', 'extend') then
    perform private.refuse_choice('mode', '{replace,extend}');
  end if;

  layer := private.layer_to_change(
    set_layer.composition_id, set_layer.scope, set_layer.organization_id, set_layer.base_version,
    with_layer => set_layer.mode = 'extend'
  );
  perform private.put_layer(
    set_layer.composition_id,
    layer.holder,
    layer.base_version,
    layer.beneath,
    private.apply_patch(layer.shown, set_layer.patch, set_layer.format),
    set_layer.origin
  );
  return private.layer_summary(set_layer.composition_id, layer.holder);
end;
$$;
