-- The layer that somebody has over a composition.
--
--   composition_id   any id
--   organization_id  whose layer; null: the caller's own
--   returns          the row; all of it is null where there is none
--
-- Definer rights: it looks past the policies.
create function private.find_layer(composition_id uuid, organization_id uuid)
returns public.composition_layers
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found public.composition_layers;
begin
  if organization_id is null then
    select l.* into found
      from public.composition_layers as l
     where l.composition_id = find_layer.composition_id
       and l.user_id = auth.uid();
  else
    select l.* into found
      from public.composition_layers as l
     where l.composition_id = find_layer.composition_id
       and l.user_id is null
       and l.organization_id = find_layer.organization_id;
  end if;
  return found;
end;
$$;
