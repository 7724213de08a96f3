-- What layers, and whatever else an answer says, add to the etag of a load:
-- private.composition_summary() takes it as also.
--
--   composition_id  a composition that somebody may view
--   user_id         the person
--   extra           object: what else the answer says; null: nothing
--   returns         object, or null: neither is there
--
-- Definer rights: as private.layers_over().
create function private.layers_in_etag(
  composition_id uuid,
  user_id        uuid,
  extra          jsonb default null
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if exists (
    select from public.composition_layers as l
     where l.composition_id = layers_in_etag.composition_id
  ) then
    return (
      select private.also_in_etag(o.layers, layers_in_etag.extra)
        from private.layers_over(layers_in_etag.composition_id, layers_in_etag.user_id) as o
    );
  end if;
  return private.also_in_etag(null, layers_in_etag.extra);
end;
$$;
