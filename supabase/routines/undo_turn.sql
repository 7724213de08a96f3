-- Undo all that the caller did in a turn of an agent, or nothing of it.
--
--   turn          the turn, as origin had it
--   conversation  the conversation, as origin had it; null: only one had such a turn
--   origin        how it comes to be undone (docs/history.md); its kind is restore, whatever is sent
--   returns       {turn, compositions: [{composition_id, version, content_hash, title, updated_at}],
--                 trashed: [composition_id], layers: [{composition_id, scope, organization_id}],
--                 pins: [{context, scope, organization_id, composition_id, position}],
--                 organization_ids: [organization_id]}
--
-- Each composition that was saved in the turn gets a version with the content that it had before.
-- What was made or forked in the turn goes to the trash. Layers and pins are again as they were: a
-- pin in `pins` without a composition_id is gone. `organization_ids` are those whose members see
-- other layers or pins.
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 composition_read_only      the caller is no editor any more of what was saved
--   PT403 not_composition_owner      or no owner of what was made
--   PT403 organization_role_too_low  or no admin of an organisation whose layer or pin it was
--   PT403 quota_exceeded             there is no room for a pin that comes back
--   PT404 turn_not_found             the caller did nothing in such a turn, or longer than turn_days
--                                    ago (private.settings)
--   PT404 composition_not_found      one of the compositions is not readable any more
--   PT404 organization_not_found     or one of the organisations left
--   PT404 version_not_found          what was there before was deleted for its age
--   PT409 turn_undone                it was undone before
--   PT409 turn_overtaken             later changes stand on it, with all of them
--   PT409 not_visible_to_organization  a layer would come back to an organisation through which
--                                    the composition is not viewed any more
--   PT410 composition_trashed        one of the compositions is in the trash
--   PT422 invalid_document           a limit was lowered since what was there before was saved
--   PT422 invalid_argument           turn is null, origin is not known, or several conversations
--                                    have such a turn
--
-- What a turn did after it was undone can be undone again. So can the undo itself, by its own turn.
--
-- Definer rights: nobody may write versions, layers or pins in any other way.
create function public.undo_turn(
  turn         text,
  conversation text default null,
  origin       jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.lock_caller();
  made   jsonb := private.version_origin(
    undo_turn.origin, 'restore', jsonb_build_object('undone_turn', undo_turn.turn)
  );
  chosen text;
  locked uuid[];
  target record;
  done   jsonb[] := '{}';
begin
  if undo_turn.turn is null then
    perform private.refuse_argument('', 'turn');
  end if;
  chosen := private.turn_conversation(caller, undo_turn.turn, undo_turn.conversation);
  if (made ->> 'turn', coalesce(made ->> 'conversation', '')) = (undo_turn.turn, chosen) then
    made := made - 'turn';  -- no part of what it takes back
  end if;

  locked := private.lock_turn(caller, undo_turn.turn, chosen);
  for target in
    select t.composition_id, t.versions
      from private.turn_targets(caller, undo_turn.turn, chosen) as t
     where t.composition_id = any (locked)
     order by t.composition_id
  loop
    done := done || private.undo_versions(target.composition_id, target.versions, made);
  end loop;
  done := done || private.undo_changes(caller, undo_turn.turn, chosen, made);

  return private.turn_undone(undo_turn.turn, done);
end;
$$;
