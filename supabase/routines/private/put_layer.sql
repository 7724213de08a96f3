-- Write a layer: the way that all changes of one go.
--
--   composition_id   a composition whose layer private.lock_layer() has taken
--   organization_id  whose layer; null: the caller's own
--   base_version     the version beneath it
--   base             the document beneath it
--   wanted           what that is to look like with the layer; the same: the layer is removed
--   origin           as private.version_origin() takes it
--
-- Raises
--   PT422 invalid_document  what is wanted, with every problem found
--   PT422 invalid_argument  the origin is none
--
-- Definer rights: nobody may write layers in any other way.
create function private.put_layer(
  composition_id  uuid,
  organization_id uuid,
  base_version    integer,
  base            jsonb,
  wanted          jsonb,
  origin          jsonb
) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  said   constant jsonb := private.version_origin(put_layer.origin);
  patch  constant jsonb := private.json_diff(put_layer.base, put_layer.wanted);
  before constant public.composition_layers :=
    private.find_layer(put_layer.composition_id, put_layer.organization_id);
  after  public.composition_layers := before;
begin
  if patch = '[]' then
    after := null;
  else
    perform private.require_valid_document(put_layer.wanted);
    after.id := coalesce(before.id, gen_random_uuid());
    after.composition_id := put_layer.composition_id;
    after.user_id := case when put_layer.organization_id is null then auth.uid() end;
    after.organization_id := put_layer.organization_id;
    after.base_version := put_layer.base_version;
    after.base_hash := private.store_document(put_layer.base);
    after.patch := patch;
    after.origin := said;
    after.updated_at := clock_timestamp();
  end if;

  -- Before it: with the row, what it was made on may go.
  if said ? 'turn' then
    perform private.note_turn_change(
      'layer',
      case when before.id is not null then to_jsonb(before) end,
      case when after.id is not null then to_jsonb(after) end,
      said
    );
  end if;

  if after.id is null then
    delete from public.composition_layers as l where l.id = before.id;
  elsif before.id is null then
    insert into public.composition_layers select after.*;
  else
    update public.composition_layers as l
       set base_version = after.base_version,
           base_hash = after.base_hash,
           patch = after.patch,
           origin = after.origin,
           updated_at = after.updated_at
     where l.id = before.id;
  end if;
end;
$$;
