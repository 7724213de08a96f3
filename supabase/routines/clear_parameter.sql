-- Take a parameter of a composition away: its filter, order or limit ends.
--
--   composition_id   a composition the caller may edit; with another scope, view
--   name             the name of the parameter
--   scope            as set_parameter() takes it: with 'me' or 'organization', it is away for these
--                    alone
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
--   PT404 parameter_not_found        there is none of this name
--   PT404 version_not_found          with another scope: there is no base_version, or no longer
--   PT403 composition_read_only      readable, but the caller is no editor
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT410 composition_trashed        in the trash
--   PT409 version_conflict           saved by someone since base_version was read
--   PT422 invalid_document           a limit was lowered since the version was saved
--   PT422 invalid_argument           name is none, the message is too long, scope or origin is not
--                                    known, or an organisation is given that the scope has not
--
-- Definer rights: callers may not call private.change_parameter(), which checks them.
create function public.clear_parameter(
  composition_id  uuid,
  name            text,
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
  return private.change_parameter(
    clear_parameter.composition_id, clear_parameter.name, null,
    clear_parameter.scope, clear_parameter.organization_id, clear_parameter.base_version,
    clear_parameter.message, clear_parameter.origin
  );
end;
$$;
