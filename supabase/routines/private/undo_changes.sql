-- Undo what a turn changed beside versions, if nothing stands on it. Each thing once, however often
-- the turn changed it.
--
--   user_id       the caller
--   turn          the turn
--   conversation  where it was; '': in none
--   made          what is stored about who undoes it: private.version_origin()
--   returns       what private.undo_change() answers for each thing
--
-- Definer rights: callers have no access to what was noted of turns.
create function private.undo_changes(user_id uuid, turn text, conversation text, made jsonb)
returns jsonb[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  thing record;
  done  jsonb[] := '{}';
begin
  for thing in
    select array_agg(s.change order by (s.change).id) as changes, bool_and(s.is_next) as is_one
      from (
        select t as change,
               private.turn_state(t.before) is not distinct from private.turn_state(
                 lag(t.after, 1, t.before) over (
                   partition by t.kind, t.composition_id, t.organization_id, t.context
                   order by t.id
                 )
               ) as is_next
          from private.turn_changes as t
         where t.user_id = undo_changes.user_id
           and t.turn = undo_changes.turn
           and t.conversation = undo_changes.conversation
           and t.undone is null
      ) as s
     group by (s.change).kind, (s.change).composition_id, (s.change).organization_id,
              (s.change).context
     -- Of pins, which are locked here: one's own, then those of organisations by their ids.
     order by (s.change).kind, (s.change).organization_id nulls first, min((s.change).id)
  loop
    done := done || private.undo_change(thing.changes, thing.is_one, made);
  end loop;

  -- What the turn had taken back itself is in effect again, and can be undone once more.
  update private.turn_changes as t
     set undone = null
   where t.user_id = undo_changes.user_id
     and t.undone ->> 'turn' = undo_changes.turn
     and coalesce(t.undone ->> 'conversation', '') = undo_changes.conversation;
  return done;
end;
$$;
