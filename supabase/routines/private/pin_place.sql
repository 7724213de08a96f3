-- Where something is pinned, as answers show it: without what it is.
--
--   pin      a row of composition_pins of the caller's, or of an organisation of theirs
--   returns  {context, scope, organization_id, position}
create function private.pin_place(pin public.composition_pins) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'context', pin.context,
    'scope', case when pin.organization_id is null then 'me' else 'organization' end,
    'organization_id', pin.organization_id,
    'position', pin.position
  );
end;
$$;
