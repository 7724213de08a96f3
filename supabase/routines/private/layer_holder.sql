-- Whose layer somebody means: the organisation's, or their own.
--
--   composition_id   a composition that the caller may view
--   scope            'me' or 'organization'
--   organization_id  with scope 'organization': which one; null: the composition's own
--   required         the role in it that this needs: 'member' or 'admin'
--   returns          the id of the organisation; null: the layer is the caller's own
--
-- Raises
--   PT404 organization_not_found     absent, or the caller is no member, or the composition is not
--                                    viewed through it
--   PT403 organization_role_too_low  a member, of a lower role than required
--   PT422 invalid_argument           the scope is not known, or names no organisation but one is
--                                    given
--
-- Definer rights: it reads a row for callers who may not.
create function private.layer_holder(
  composition_id  uuid,
  scope           text,
  organization_id uuid,
  required        text
) returns uuid
language plpgsql stable security definer
set search_path = ''
as $$
declare
  holder uuid := organization_id;
begin
  perform private.require_scope(layer_holder.scope, layer_holder.organization_id);
  if scope = 'me' then
    return null;
  end if;

  if holder is null then
    select c.organization_id into holder
      from public.user_compositions as c
     where c.id = layer_holder.composition_id;
  end if;
  perform private.require_organization_role(holder, 'member');
  if not private.organization_may_view(layer_holder.composition_id, holder) then
    perform private.refuse_unknown_organization(holder);
  end if;
  perform private.require_organization_role(holder, layer_holder.required);
  return holder;
end;
$$;
