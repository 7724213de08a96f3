-- Bring a pin back as it was before a turn; or none, where what was pinned is gone, or may no longer
-- be viewed by whose pin it is.
--
--   change   the first change of the turn: a row of turn_changes
--   made     what is stored about who undoes it: private.version_origin()
--   returns  {pin: {context, scope, organization_id, composition_id, position}}; composition_id is
--            null where nothing is pinned now
--
-- Raises
--   PT403 quota_exceeded  there are as many pins as a person or an organisation may have
--
-- Definer rights: nobody may write pins in any other way.
create function private.undo_pin(change private.turn_changes, made jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  is_now constant jsonb := private.turn_row(change);
  holder constant uuid := case when change.organization_id is null then change.user_id end;
  wanted constant uuid := (change.before ->> 'composition_id')::uuid;
  pin    public.composition_pins;
begin
  if private.may_view(wanted, change.user_id) and (
    change.organization_id is null
    or private.organization_may_view(wanted, change.organization_id)
  ) then
    pin := private.put_pin(
      user_id         => holder,
      organization_id => change.organization_id,
      context         => change.context,
      composition_id  => wanted,
      "position"      => (change.before ->> 'position')::integer,
      origin          => made
    );
  else
    delete from public.composition_pins as p where p.id = (is_now ->> 'id')::uuid;
    perform private.note_turn_change('pin', is_now, null, made);
    pin.user_id := holder;
    pin.organization_id := change.organization_id;
    pin.context := change.context;
  end if;
  return jsonb_build_object('pin', private.pin_summary(pin));
end;
$$;
