-- Take a layer for a change, and see what it is on and what that looks like: nobody else changes it
-- until the transaction ends, nor moves the head. All of it is read once, so that an organisation's
-- layer that changes meanwhile is in both or in neither.
--
--   composition_id   any id
--   scope            as private.layer_holder() takes it
--   organization_id  the same
--   version          the version beneath the layer; null: the head
--   with_layer       whether to show it with the layer that there is
--   holder           whose layer it is: the id of an organisation; null: the caller's own
--   base_version     the version
--   beneath          the document that the layer lies on
--   shown            what that looks like, with the layer or without
--
-- Raises what private.lock_layer() and private.beneath_layer() raise.
--
-- Definer rights: callers may not lock rows.
create function private.layer_to_change(
  composition_id   uuid,
  scope            text,
  organization_id  uuid,
  version          integer,
  with_layer       boolean,
  out holder       uuid,
  out base_version integer,
  out beneath      jsonb,
  out shown        jsonb
)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  lower record;
  layer public.composition_layers;
begin
  holder := private.lock_layer(
    layer_to_change.composition_id, layer_to_change.scope, layer_to_change.organization_id
  );
  base_version := coalesce(
    layer_to_change.version, private.head_version(layer_to_change.composition_id)
  );
  lower := private.beneath_layer(layer_to_change.composition_id, base_version, holder);
  beneath := lower.document;
  shown := beneath;

  if with_layer then
    layer := private.find_layer(layer_to_change.composition_id, holder);
    if layer.id is not null then
      shown := (private.lay(layer, beneath, lower.hash)).document;
    end if;
  end if;
end;
$$;
