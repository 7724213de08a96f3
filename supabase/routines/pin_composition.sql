-- Say what is shown in a context: for the caller, or for the members of an organisation who have
-- pinned nothing else there. It replaces what was pinned.
--
--   context          where: 'home' is the first page, 'route:/videos' a page, the rest is up to the
--                    host (docs/contexts.md)
--   composition_id   a composition the caller may view
--   scope            'me' or 'organization'
--   organization_id  with 'organization', one that the caller administers; null: the one that the
--                    composition belongs to
--   position         where it stands among the contexts, for whoever shows them as a list; null: as
--                    the pin before it, or 0
--   origin           how it came to be (docs/history.md); null: a person made it
--   returns          {context, scope, organization_id, composition_id, position}
--
-- Raises
--   PT401 not_signed_in                the token names nobody
--   PT401 account_not_found            the account of the token is gone
--   PT404 composition_not_found        absent, or not readable by the caller
--   PT404 organization_not_found       absent, or the caller is no member
--   PT403 organization_role_too_low    a member, but no admin
--   PT403 quota_exceeded               there are as many pins as a person or an organisation may
--                                      have
--   PT409 not_visible_to_organization  the organisation could not view it
--   PT410 composition_trashed          in the trash
--   PT422 invalid_argument             context, scope or origin is not valid, 'me' has an
--                                      organisation, or 'organization' none
--
-- A pin gives nobody a role: a default is for those who may view it.
--
-- Definer rights: nobody may write pins in any other way.
create function public.pin_composition(
  context         text,
  composition_id  uuid,
  scope           text default 'me',
  organization_id uuid default null,
  "position"      integer default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  made     constant jsonb := private.version_origin(pin_composition.origin);
  receiver uuid := pin_composition.organization_id;
  piece    public.user_compositions;
  pin      public.composition_pins;
begin
  perform private.require_scope(pin_composition.scope, pin_composition.organization_id);
  -- Asked before anything is locked: a stranger cannot hold anyone up.
  perform private.require_composition_role(pin_composition.composition_id, 'viewer');

  if scope = 'organization' then
    if receiver is null then
      select c.organization_id into receiver
        from public.user_compositions as c
       where c.id = pin_composition.composition_id;
    end if;
    if receiver is null then
      perform private.refuse_argument('', 'organization_id');
    end if;
    perform private.lock_organization(receiver, 'admin');
  end if;

  piece := private.lock_composition(pin_composition.composition_id, 'viewer');
  if receiver is not null then
    perform private.require_visible_to_organization(piece.id, receiver);
  end if;

  pin := private.put_pin(
    user_id         => case when receiver is null then private.caller_id() end,
    organization_id => receiver,
    context         => pin_composition.context,
    composition_id  => piece.id,
    "position"      => pin_composition.position,
    origin          => made
  );
  return private.pin_summary(pin);
end;
$$;
