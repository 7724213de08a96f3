-- Make a layer what leads from what lies beneath it to a document; nothing, where both are the same.
--
--   composition_id   any id
--   base_version     the version beneath the layer; null: the head
--   scope            as private.layer_holder() takes it
--   organization_id  the same
--   wanted           what the composition is to look like with the layer
--   origin           as private.version_origin() takes it
--   returns          as get_layer()
--
-- Raises
--   PT422 invalid_document  what is wanted, with every problem found
-- and what private.lock_layer(), private.beneath_layer() and private.version_origin() raise.
--
-- Definer rights: nobody may write layers in any other way.
create function private.extend_layer(
  composition_id  uuid,
  base_version    integer,
  scope           text,
  organization_id uuid,
  wanted          jsonb,
  origin          jsonb
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder  constant uuid := private.lock_layer(
    extend_layer.composition_id, extend_layer.scope, extend_layer.organization_id
  );
  version constant integer :=
    coalesce(extend_layer.base_version, private.head_version(extend_layer.composition_id));
begin
  perform private.put_layer(
    extend_layer.composition_id,
    holder,
    version,
    (private.beneath_layer(extend_layer.composition_id, version, holder)).document,
    extend_layer.wanted,
    extend_layer.origin
  );
  return private.layer_summary(extend_layer.composition_id, holder);
end;
$$;
