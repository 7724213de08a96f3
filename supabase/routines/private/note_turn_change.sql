-- Remember a change that the caller has just made to a layer or a pin, if it belongs to a turn.
--
--   kind    'layer' or 'pin'; 'upstream': the version of its upstream that a fork stands on;
--           'trash': a composition that undo_turn() threw away
--   before  the row as it was, by to_jsonb(); null: there was none
--   after   the row as it is now; null: there is none
--   origin  how it came to be, by private.version_origin()
--
-- Called after the change and in its transaction, with the locks held that it needed. In passing it
-- forgets what is older than turn_days.
--
-- Definer rights: nobody may write these rows in any other way.
create function private.note_turn_change(kind text, before jsonb, after jsonb, origin jsonb)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  noted constant jsonb := coalesce(note_turn_change.after, note_turn_change.before);
begin
  if origin ? 'turn' is not true or before is not distinct from after then
    return;
  end if;

  insert into private.turn_changes
    (user_id, turn, conversation, kind, composition_id, organization_id, context, before, after,
     base_hash)
  values
    (private.caller_id(), origin ->> 'turn', coalesce(origin ->> 'conversation', ''),
     note_turn_change.kind,
     case
       when note_turn_change.kind = 'layer' then (noted ->> 'composition_id')::uuid
       when note_turn_change.kind <> 'pin' then (noted ->> 'id')::uuid
     end,
     case
       when note_turn_change.kind in ('layer', 'pin') then (noted ->> 'organization_id')::uuid
     end,
     noted ->> 'context',
     note_turn_change.before,
     note_turn_change.after,
     (note_turn_change.before ->> 'base_hash')::bytea);

  perform private.forget_turn_changes();
end;
$$;
