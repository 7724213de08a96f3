-- What a turn changed, as answers name it.
--
--   change   a row of turn_changes, of a layer or a pin
--   is_now   its row as it is now: private.turn_row()
--   returns  {composition_id, title, layer: {scope, organization_id}}, or {composition_id, title,
--            pin: {context, scope, organization_id}}, with what is pinned now, if the caller may
--            view it
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.turn_thing(change private.turn_changes, is_now jsonb) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  holder constant jsonb := jsonb_build_object(
    'scope', case when change.organization_id is null then 'me' else 'organization' end,
    'organization_id', change.organization_id
  );
  piece  public.user_compositions;
begin
  select c.* into piece
    from public.user_compositions as c
   where c.id = coalesce(change.composition_id, (is_now ->> 'composition_id')::uuid)
     and private.may_view(c.id, change.user_id);

  return jsonb_build_object('composition_id', piece.id, 'title', piece.title) || case change.kind
    when 'layer' then jsonb_build_object('layer', holder)
    else jsonb_build_object('pin', jsonb_build_object('context', change.context) || holder)
  end;
end;
$$;
