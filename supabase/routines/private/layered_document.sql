-- What a composition looks like with a layer on it, for a change of that layer with
-- private.extend_layer(): nobody else changes it until the transaction ends, nor moves the head.
--
--   composition_id   any id
--   scope            as private.layer_holder() takes it
--   organization_id  the same
--   version          the version beneath the layer; null: the head
--   returns          a document; without a layer, what would lie beneath it
--
-- Raises what private.lock_layer() and private.beneath_layer() raise.
--
-- Definer rights: callers may not lock rows.
create function private.layered_document(
  composition_id  uuid,
  scope           text,
  organization_id uuid,
  version         integer default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder  constant uuid := private.lock_layer(
    layered_document.composition_id, layered_document.scope, layered_document.organization_id
  );
  layer   constant public.composition_layers :=
    private.find_layer(layered_document.composition_id, holder);
  beneath record;
begin
  beneath := private.beneath_layer(
    layered_document.composition_id,
    coalesce(layered_document.version, private.head_version(layered_document.composition_id)),
    holder
  );
  if layer.id is null then
    return beneath.document;
  end if;
  return (private.lay(layer, beneath.document, beneath.hash)).document;
end;
$$;
