-- Turn one knob of a composition: set a parameter of its document, or change a part of one.
--
--   composition_id   a composition the caller may edit; with another scope, view
--   name             the name of the parameter
--   parameter        with a type, all of it: {type, value?, target, …} (docs/document.md); without,
--                    the keys of the one that is there that change, such as {"value": 900}; the
--                    label goes with null
--   scope            'composition': for everyone, as a version; 'me': for the caller alone, as a
--                    layer; 'organization': for its members, as a layer, by an admin of it
--   organization_id  with scope 'organization': which one; null: the composition's own
--   base_version     the head that the caller has seen; null: whatever is the head now
--   message          what changed, in words; null: the sentence that diff_versions() has for it. A
--                    layer has none
--   origin           how it came to be (docs/history.md); null: a person did it
--   returns          {composition_id, version, content_hash, title, updated_at}, as save_version();
--                    with another scope the layer, as get_layer()
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 parameter_not_found        a part is to change, but of none that is there
--   PT404 version_not_found          with another scope: there is no base_version, or no longer
--   PT403 composition_read_only      readable, but the caller is no editor
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT410 composition_trashed        in the trash
--   PT409 version_conflict           saved by someone since base_version was read
--   PT422 invalid_document           what the parameter makes of it, with every problem found
--   PT422 invalid_argument           parameter is null, name is none, the message is too long,
--                                    scope or origin is not known, or an organisation is given that
--                                    the scope has not
--
-- Definer rights: callers may not call private.change_parameter(), which checks them.
create function public.set_parameter(
  composition_id  uuid,
  name            text,
  parameter       jsonb,
  scope           text default 'composition',
  organization_id uuid default null,
  base_version    integer default null,
  message         text default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if set_parameter.parameter is null then
    perform private.refuse_argument('', 'parameter');
  end if;

  return private.change_parameter(
    set_parameter.composition_id, set_parameter.name, set_parameter.parameter,
    set_parameter.scope, set_parameter.organization_id, set_parameter.base_version,
    set_parameter.message, set_parameter.origin
  );
end;
$$;
