-- Take all that undo_turn() has to change, after everyone who came first.
--
--   user_id       the caller, locked
--   turn          the turn
--   conversation  where it was; '': in none
--   returns       the compositions that are locked now
--
-- Raises
--   PT403 organization_role_too_low  what an organisation sees was changed, and the caller is no
--                                    admin any more
--   PT404 organization_not_found     or no member
-- with the organization_id, and what private.lock_composition() raises, with the composition_id.
--
-- Definer rights: callers may not lock rows.
create function private.lock_turn(user_id uuid, turn text, conversation text) returns uuid[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  organization uuid;
  target       record;
  locked       uuid[] := '{}';
  code         text;
  said         text;
  facts        text;
  advice       text;
begin
  for organization in
    select distinct t.organization_id
      from private.turn_changes as t
     where t.user_id = lock_turn.user_id
       and t.turn = lock_turn.turn
       and t.conversation = lock_turn.conversation
       and t.undone is null
       and t.organization_id is not null
     order by t.organization_id
  loop
    begin
      perform private.lock_organization(organization, 'admin');
    exception
      when sqlstate 'PT403' or sqlstate 'PT404' then
        get stacked diagnostics
          code = returned_sqlstate, said = message_text, facts = pg_exception_detail,
          advice = pg_exception_hint;
        raise exception '%', said using
          errcode = code,
          detail  = facts::jsonb || jsonb_build_object('organization_id', organization),
          hint    = advice;
    end;
  end loop;

  perform private.lock_memberships(array[lock_turn.user_id], array(
    select distinct o.id
      from private.turn_targets(lock_turn.user_id, lock_turn.turn, lock_turn.conversation) as t
     cross join lateral unnest(private.organizations_around(t.composition_id)) as o (id)
  ));

  for target in
    select t.composition_id, t.required, t.in_trash
      from private.turn_targets(lock_turn.user_id, lock_turn.turn, lock_turn.conversation) as t
     order by t.composition_id
  loop
    begin
      perform private.lock_composition(target.composition_id, target.required, target.in_trash);
    exception
      when sqlstate 'PT403' or sqlstate 'PT404' or sqlstate 'PT409' or sqlstate 'PT410' then
        get stacked diagnostics
          code = returned_sqlstate, said = message_text, facts = pg_exception_detail,
          advice = pg_exception_hint;
        raise exception '%', said using
          errcode = code,
          detail  = facts::jsonb || jsonb_build_object('composition_id', target.composition_id),
          hint    = advice;
    end;
    locked := locked || target.composition_id;
  end loop;
  return locked;
end;
$$;
