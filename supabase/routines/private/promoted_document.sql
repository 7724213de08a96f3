-- What a layer makes of the head: the document that promote_layer() hands on.
--
--   source           the composition, which the caller may view
--   layer            a row of composition_layers over it, or nulls
--   organization_id  whose layer; null: the caller's own
--   into_version     whether the head alone lies beneath, without the layers of organisations
--   returns          a document
--
-- Raises
--   PT404 layer_not_found  there is no layer
--   PT409 layer_conflict   parts of it do not apply
--
-- Definer rights: it reads the content store.
create function private.promoted_document(
  source          public.user_compositions,
  layer           public.composition_layers,
  organization_id uuid,
  into_version    boolean
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  beneath record;
  laid    record;
begin
  if layer.id is null then
    raise exception 'there is no such layer over composition %', source.id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'layer_not_found'),
      hint    = 'set_layer() makes one.';
  end if;

  if into_version then
    select d.document, d.content_hash as hash into beneath
      from public.compositions as d
     where d.content_hash = source.current_hash;
  else
    beneath := private.beneath_layer(
      source.id, source.current_version, promoted_document.organization_id
    );
  end if;

  laid := private.lay(layer, beneath.document, beneath.hash);
  if laid.conflicts <> '[]' then
    raise exception 'parts of the layer over composition % do not apply', source.id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'layer_conflict', 'conflicts', laid.conflicts),
      hint    = 'Take these parts back with reset_layer(), or set them anew on the head.';
  end if;
  return laid.document;
end;
$$;
