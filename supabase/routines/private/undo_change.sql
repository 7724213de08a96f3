-- Undo what a turn changed about one thing beside versions, if nothing stands on it.
--
--   changes  rows of turn_changes, all of them about the same thing, oldest first
--   is_one   whether nothing else changed it in between
--   made     what is stored about who undoes it: private.version_origin()
--   returns  {layer: …} and {pin: …}: what is as before; {composition: …}: it is out of the trash;
--            {later: …}: what stands in the way; null: nothing that answers show
--
-- Raises
--   PT403 quota_exceeded  there are as many pins as a person or an organisation may have
--
-- Definer rights: nobody may write these rows in any other way.
create function private.undo_change(
  changes private.turn_changes[],
  is_one  boolean,
  made    jsonb
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  thing  constant private.turn_changes := changes[1];
  after  constant jsonb := (changes[cardinality(changes)]).after;
  is_now jsonb;
  piece  public.user_compositions;
begin
  if thing.kind = 'pin' then
    perform private.lock_pins(coalesce(thing.organization_id, thing.user_id));
  end if;
  is_now := private.turn_row(thing);

  update private.turn_changes as t
     set undone = made
   where t.id in (select c.id from unnest(changes) as c);

  if thing.kind = 'upstream' then
    update public.user_compositions as c
       set forked_from_version = (thing.before ->> 'forked_from_version')::integer
     where c.id = thing.composition_id;
    perform private.note_turn_change('upstream', is_now, thing.before, made);
    return null;
  end if;

  if thing.kind = 'trash' then
    update public.user_compositions as c
       set deleted_at = null
     where c.id = thing.composition_id
       and c.deleted_at is not null
    returning c.* into piece;
    perform private.note_turn_change('trash', is_now, thing.before, made);
    return case when piece.id is not null then
      jsonb_build_object('composition', private.write_summary(piece))
    end;
  end if;

  -- A pin may be gone with its composition: nobody has changed it.
  if not is_one
    or private.turn_state(is_now) is distinct from private.turn_state(after)
    and not (
      thing.kind = 'pin'
      and is_now is null
      and not exists (
        select from public.user_compositions as c
         where c.id = (after ->> 'composition_id')::uuid
      )
    )
  then
    return jsonb_build_object('later', private.turn_thing(thing, is_now));
  end if;
  return case thing.kind
    when 'layer' then private.undo_layer(thing, made)
    else private.undo_pin(thing, made)
  end;
end;
$$;
