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
  layer public.composition_layers;
  laid  record;
begin
  shown := document;
  states := '[]';
  foreach layer in array coalesce(layers, '{}') loop
    if states <> '[]' then
      hash := private.content_hash(shown);
    end if;
    laid := private.lay(layer, shown, hash);
    shown := laid.document;
    states := states || private.layer_state(layer, laid.state, laid.conflicts);
  end loop;
end;
$$;
