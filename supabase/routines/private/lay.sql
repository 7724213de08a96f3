-- Put a layer on what lies beneath it.
--
--   layer         a row of composition_layers
--   beneath       a document of the same composition …
--   beneath_hash  … and its content_hash
--   checked       false: whoever calls checks the structure of the document
--   document      what it looks like with the layer
--   state         'applied', 'stale': parts that it changed are gone, 'conflict': parts that it
--                 changed have been changed to something else, or are not to be brought together
--   conflicts     these parts, as private.merge_documents() says them; they look as beneath. With
--                 one at path '' the layer is left out whole
--
-- Definer rights: it reads the content store.
create function private.lay(
  layer         public.composition_layers,
  beneath       jsonb,
  beneath_hash  bytea,
  checked       boolean default true,
  out document  jsonb,
  out state     text,
  out conflicts jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  base jsonb;
begin
  conflicts := '[]';
  if layer.base_hash = beneath_hash then
    document := private.on_base(beneath, layer.patch);
  else
    select d.document into base
      from public.compositions as d
     where d.content_hash = layer.base_hash;

    if checked then
      select m.merged, m.conflicts into document, conflicts
        from private.merge_documents(
               base, beneath, private.on_base(base, layer.patch), keep_edits => false
             ) as m;
      document := coalesce(document, beneath);
    else
      select m.merged, m.conflicts into document, conflicts
        from private.merge_json(
               base, beneath, private.on_base(base, layer.patch), keep_edits => false
             ) as m;
    end if;
  end if;

  state := case
    when conflicts = '[]' then 'applied'
    when jsonb_path_exists(conflicts, '$[*] ? (@.kind != "edit_delete")') then 'conflict'
    else 'stale'
  end;
end;
$$;
