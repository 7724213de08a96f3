-- Put layers on a document, one on the other.
--
--   document  the content of a version …
--   hash      … and its content_hash
--   layers    rows of composition_layers, the lowest first; null: none
--   shown     what it looks like with them
--   states    [{scope, organization_id?, base_version, state, paths, conflicts?}], one of each
--             layer: as private.lay() says, paths those of the conflicts
create function private.layered(
  document    jsonb,
  hash        bytea,
  layers      public.composition_layers[],
  out shown   jsonb,
  out states  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  -- Of several, it is mostly enough to check the structure of what they make together.
  checked boolean := cardinality(layers) = 1;
  beneath bytea;
  merged  boolean;
  layer   public.composition_layers;
  laid    record;
begin
  loop
    shown := document;
    states := '[]';
    merged := false;
    foreach layer in array coalesce(layers, '{}') loop
      beneath := case when states = '[]' then hash else private.content_hash(shown) end;
      merged := merged or layer.base_hash <> beneath;
      laid := private.lay(layer, shown, beneath, checked);
      shown := laid.document;
      states := states || private.layer_state(layer, laid.state, laid.conflicts);
    end loop;
    exit when checked or not merged or private.document_problems(shown) = '[]';
    checked := true;
  end loop;
end;
$$;
