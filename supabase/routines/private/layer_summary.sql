-- A layer as answers show it.
--
--   composition_id   a composition that the caller may view
--   organization_id  whose layer; null: the caller's own
--   returns          {composition_id, scope, organization_id, base_version, version, state, paths,
--                    conflicts?, changes, patch, sentences, updated_at}, as get_layer()
--
-- Definer rights: it reads the content store.
create function private.layer_summary(composition_id uuid, organization_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  layer   constant public.composition_layers :=
    private.find_layer(layer_summary.composition_id, layer_summary.organization_id);
  version constant integer := private.head_version(layer_summary.composition_id);
  summary constant jsonb := jsonb_build_object(
    'composition_id', layer_summary.composition_id,
    'scope', case when organization_id is null then 'me' else 'organization' end,
    'organization_id', organization_id,
    'base_version', layer.base_version,
    'version', version,
    'updated_at', layer.updated_at
  );
  base    jsonb;
  wanted  jsonb;
  beneath record;
  laid    record;
begin
  if layer.id is null then
    return summary
      || '{"state": "none", "paths": [], "changes": [], "patch": [], "sentences": []}';
  end if;

  select d.document into base
    from public.compositions as d
   where d.content_hash = layer.base_hash;
  wanted := private.on_base(base, layer.patch);
  beneath := private.beneath_layer(
    layer_summary.composition_id, version, layer_summary.organization_id
  );
  laid := private.lay(layer, beneath.document, beneath.hash);

  return summary || private.layer_state(layer, laid.state, laid.conflicts) || jsonb_build_object(
    'changes', to_jsonb((private.layer_changes(base, wanted)).changes),
    'patch', layer.patch,
    'sentences', private.diff_sentences(base, wanted)
  );
end;
$$;
