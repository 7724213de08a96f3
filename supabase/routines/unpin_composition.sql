-- Take back what pin_composition() has said about a context: the next one counts again.
--
--   context          as it was pinned
--   scope            'me' or 'organization'
--   organization_id  with 'organization', one that the caller administers
--   origin           how it came to be (docs/history.md); null: a person did it
--   returns          {context, scope, organization_id, composition_id, position} of the pin that
--                    is gone; composition_id is null where the caller may not view it now
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, but no admin
--   PT404 pin_not_found              nothing is pinned there
--   PT422 invalid_argument           scope or origin is not valid, 'me' has an organisation, or
--                                    'organization' none
--
-- Definer rights: nobody may write pins in any other way.
create function public.unpin_composition(
  context         text,
  scope           text default 'me',
  organization_id uuid default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  made   constant jsonb := private.version_origin(unpin_composition.origin);
  caller uuid;
  before public.composition_pins;
begin
  perform private.require_scope(unpin_composition.scope, unpin_composition.organization_id);
  if scope = 'organization' then
    if unpin_composition.organization_id is null then
      perform private.refuse_argument('', 'organization_id');
    end if;
    perform private.lock_organization(unpin_composition.organization_id, 'admin');
  else
    caller := private.lock_caller();
  end if;
  perform private.lock_pins(coalesce(unpin_composition.organization_id, caller));

  delete from public.composition_pins as p
   where p.user_id is not distinct from caller
     and p.organization_id is not distinct from unpin_composition.organization_id
     and p.context = unpin_composition.context
  returning p.* into before;

  if before.id is null then
    raise exception 'nothing is pinned there' using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'pin_not_found'),
      hint    = 'Look at list_pins() for what is.';
  end if;
  perform private.note_turn_change('pin', to_jsonb(before), null, made);
  return private.pin_summary(before);
end;
$$;
