-- Why somebody is shown what is pinned.
--
--   pin      a row of composition_pins of theirs, or of an organisation of theirs
--   returns  {reason: {scope, organization_id?, context, text}}, for private.load()
--
-- Definer rights: it may be told for any person.
create function private.pin_reason(pin public.composition_pins) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if pin.organization_id is null then
    return jsonb_build_object(
      'reason',
      jsonb_build_object('scope', 'me', 'context', pin.context, 'text', 'pinned by you')
    );
  end if;
  return (
    select jsonb_build_object(
             'reason',
             jsonb_build_object(
               'scope', 'organization',
               'organization_id', o.id,
               'context', pin.context,
               'text', 'default of ' || o.name
             )
           )
      from public.organizations as o
     where o.id = pin.organization_id
  );
end;
$$;
