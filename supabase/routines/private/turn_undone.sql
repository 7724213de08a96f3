-- What undo_turn() answers, out of what came of each part of a turn.
--
--   turn      the turn
--   outcomes  of private.undo_versions() and private.undo_change(); nulls are parts of which nothing
--             was left to undo
--   returns   {turn, compositions, trashed, layers, pins, organization_ids}
--
-- Raises
--   PT409 turn_overtaken  something stands on one of them
--   PT409 turn_undone     nothing was left to undo
create function private.turn_undone(turn text, outcomes jsonb[]) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  found constant jsonb := coalesce(
    (select jsonb_agg(o.outcome) from unnest(outcomes) as o (outcome) where o.outcome is not null),
    '[]'
  );
begin
  if found @? '$[*].later' then
    raise exception 'later changes stand on what was done in the turn' using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'turn_overtaken', 'later', jsonb_path_query_array(found, '$[*].later')
      ),
      hint    = 'Undo these first, or change by hand what is to be as before.';
  end if;

  if found = '[]' then
    raise exception 'what was done in the turn is undone already' using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'turn_undone'),
      hint    = 'To have it again, restore what list_versions() shows.';
  end if;

  return jsonb_build_object(
    'turn', turn_undone.turn,
    'compositions', jsonb_path_query_array(found, '$[*].composition'),
    'trashed', jsonb_path_query_array(found, '$[*].trashed'),
    'layers', jsonb_path_query_array(found, '$[*].layer'),
    'pins', jsonb_path_query_array(found, '$[*].pin'),
    'organization_ids', coalesce(
      (
        select jsonb_agg(distinct i.id)
          from jsonb_path_query(found, '$[*].*.organization_id ? (@ != null)') as i (id)
      ),
      '[]'
    )
  );
end;
$$;
