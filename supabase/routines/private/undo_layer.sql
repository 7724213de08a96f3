-- Bring a layer back as it was before a turn.
--
--   change   the first change of the turn: a row of turn_changes
--   made     what is stored about who undoes it: private.version_origin()
--   returns  {layer: {composition_id, scope, organization_id}}
--
-- Raises
--   PT409 not_visible_to_organization  the composition is not viewed through the organisation any
--                                      more, so no layer of it can come back
--
-- The composition is locked, so no other change of the layer is under way (private.lock_layer()).
--
-- Definer rights: nobody may write layers in any other way.
create function private.undo_layer(change private.turn_changes, made jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  is_now constant jsonb := private.turn_row(change);
  wanted public.composition_layers :=
    jsonb_populate_record(null::public.composition_layers, change.before);
begin
  if change.before is not null and change.organization_id is not null then
    perform private.require_visible_to_organization(
      change.composition_id, change.organization_id
    );
  end if;
  wanted.id := coalesce((is_now ->> 'id')::uuid, gen_random_uuid());
  wanted.updated_at := clock_timestamp();

  -- Before it: with the row, what it was made on may go.
  perform private.note_turn_change('layer', is_now, change.before, made);
  delete from public.composition_layers as l
   where l.id = wanted.id
     and change.before is null;
  if change.before is not null then
    insert into public.composition_layers as l
    select wanted.*
    on conflict on constraint composition_layers_pkey do update
       set base_version = excluded.base_version,
           base_hash = excluded.base_hash,
           patch = excluded.patch,
           origin = excluded.origin,
           updated_at = excluded.updated_at;
  end if;

  return jsonb_build_object('layer', jsonb_build_object(
    'composition_id', change.composition_id,
    'scope', case when change.organization_id is null then 'me' else 'organization' end,
    'organization_id', change.organization_id
  ));
end;
$$;
