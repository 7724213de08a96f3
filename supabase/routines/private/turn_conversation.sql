-- The conversation in which a turn was, out of what a caller says of it.
--
--   user_id       the caller
--   turn          the turn
--   conversation  the conversation; null: there is but one with such a turn
--   returns       the conversation; '': none was named when things were done
--
-- Raises
--   PT404 turn_not_found    the caller did nothing in such a turn, or too long ago
--   PT422 invalid_argument  several conversations of the caller's have such a turn
--
-- Definer rights: callers have no access to what was noted of turns.
create function private.turn_conversation(user_id uuid, turn text, conversation text)
returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found  text[];
  oldest timestamptz;
begin
  select array_agg(distinct d.conversation order by d.conversation), min(d.created_at)
    into found, oldest
    from (
      select v.conversation, v.created_at
        from private.turn_versions(turn_conversation.user_id, turn_conversation.turn) as v
      union all
      select t.conversation, t.created_at
        from private.turn_changes as t
       where t.user_id = turn_conversation.user_id
         and t.turn = turn_conversation.turn
    ) as d
   where d.conversation = turn_conversation.conversation
      or turn_conversation.conversation is null;

  if cardinality(found) > 1 then
    raise exception 'several conversations have such a turn' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'conversation'),
      hint    = 'Send the conversation as well.';
  end if;

  -- Whole or not at all: what was noted of a turn that is older may be forgotten.
  if found is null or oldest < private.turn_horizon() then
    raise exception 'the caller did nothing in such a turn' using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'turn_not_found'),
      hint    = 'Send the turn and the conversation as origin had them, within turn_days.';
  end if;
  return found[1];
end;
$$;
