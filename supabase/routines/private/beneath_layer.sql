-- What a layer lies on: the content of a version; for a person's, with the layers of their
-- organisations on it.
--
--   composition_id   a composition that the caller may view
--   version          1, 2, 3 …
--   organization_id  whose layer; null: the caller's own
--   document         what it looks like
--   hash             its content_hash
--
-- Raises
--   PT404 version_not_found  the composition has no such version, or no longer
--
-- Definer rights: it reads the content store.
create function private.beneath_layer(
  composition_id  uuid,
  version         integer,
  organization_id uuid,
  out document    jsonb,
  out hash        bytea
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  layers public.composition_layers[];
begin
  select d.document, d.content_hash into document, hash
    from public.composition_versions as v
    join public.compositions as d on d.content_hash = v.content_hash
   where v.composition_id = beneath_layer.composition_id
     and v.version = beneath_layer.version;
  if hash is null then
    perform private.refuse_version(beneath_layer.composition_id, beneath_layer.version);
  end if;

  if organization_id is null then
    layers := (
      private.layers_over(beneath_layer.composition_id, auth.uid(), with_own => false)
    ).layers;
    if layers is not null then
      document := (private.layered(document, hash, layers)).shown;
      hash := private.content_hash(document);
    end if;
  end if;
end;
$$;
