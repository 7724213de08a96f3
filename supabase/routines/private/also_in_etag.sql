-- What a load depends on beyond the composition and the role: what its etag stands for as well
-- (private.composition_summary() takes it as also).
--
--   layers   as private.layers_over() has them; null: none
--   extra    object: what else the answer says; null: nothing
--   returns  object, or null: nothing
--
-- A layer is the same as long as its id and the time of its last change are: comparing them costs
-- no merge.
create function private.also_in_etag(layers public.composition_layers[], extra jsonb default null)
returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if layers is null and extra is null then
    return null;
  end if;
  return jsonb_build_object(
    'layers', (
      select jsonb_agg(jsonb_build_array(l.id, extract(epoch from l.updated_at)) order by l.nth)
        from unnest(layers) with ordinality as l (
               id, composition_id, user_id, organization_id, base_version, base_hash, patch,
               origin, updated_at, nth
             )
    ),
    'extra', extra
  );
end;
$$;
