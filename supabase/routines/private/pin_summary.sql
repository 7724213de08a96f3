-- A pin as answers show it.
--
--   pin      a row of composition_pins of the caller's, or of an organisation of theirs
--   returns  {context, scope, organization_id, position, composition_id}; composition_id is null
--            where the caller may not view it now
create function private.pin_summary(pin public.composition_pins) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return private.pin_place(pin) || jsonb_build_object(
    'composition_id',
    case when private.may_view(pin.composition_id, auth.uid()) then pin.composition_id end
  );
end;
$$;
