-- How well a layer applies, as answers show it.
--
--   layer      a row of composition_layers
--   state      'applied', 'stale' or 'conflict'
--   conflicts  array of what does not apply, as private.merge_documents() says it
--   returns    {scope, organization_id?, base_version, state, paths, conflicts?}
create function private.layer_state(
  layer     public.composition_layers,
  state     text,
  conflicts jsonb
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
      'scope', case when layer.user_id is null then 'organization' else 'me' end,
      'organization_id', layer.organization_id,
      'base_version', layer.base_version,
      'state', state
    ))
    || jsonb_build_object('paths', jsonb_path_query_array(conflicts, '$[*].path'))
    || case when conflicts = '[]' then '{}' else jsonb_build_object('conflicts', conflicts) end;
end;
$$;
