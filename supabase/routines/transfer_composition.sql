-- Say who owns a composition from now on, and which organisation it belongs to.
--
--   composition_id   a composition the caller owns
--   user_id          its owner from now on: the caller (null), or somebody who is in an
--                    organisation with them
--   organization_id  the organisation that it belongs to from now on, in which both are members;
--                    null: none, it is personal
--   returns          {composition_id, version, content_hash, title, updated_at, owner_id,
--                    organization_id}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 not_composition_owner      readable, but the caller is no owner
--   PT403 organization_role_too_low  it would leave an organisation, in which the caller is a
--                                    member only
--   PT403 quota_exceeded             the new owner owns as many compositions as a person may
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 member_not_found           the new owner is no member of the organisation
--   PT404 user_not_found             no account, or one that is in no organisation with the caller
--   PT410 composition_trashed        in the trash
--
-- The former owner keeps what shares give them, and what the organisation does: nothing else. All
-- shares stay but one given to the new owner in person, who needs none. Versions keep their
-- authors. What is so already is answered, and not changed.
--
-- Definer rights: nobody may change an owner in any other way.
create function public.transfer_composition(
  composition_id  uuid,
  user_id         uuid default null,
  organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.caller_id();
  receiver constant uuid := coalesce(transfer_composition.user_id, caller);
  common   uuid;
  piece    public.user_compositions;
begin
  -- Asked before the locks, so that a stranger cannot hold anyone up, and again after them.
  perform private.require_composition_role(transfer_composition.composition_id, 'owner');
  common := private.require_receiver(receiver, transfer_composition.organization_id);

  perform private.lock_caller();
  perform from auth.users as u where u.id = receiver for key share;
  perform private.lock_memberships(
    array[caller, receiver],
    private.organizations_around(transfer_composition.composition_id) || common
  );
  piece := private.lock_composition(transfer_composition.composition_id, 'owner');
  perform private.require_receiver(receiver, transfer_composition.organization_id);

  if piece.organization_id is distinct from transfer_composition.organization_id
    and piece.organization_id is not null
  then
    perform private.require_organization_role(piece.organization_id, 'admin');
  end if;

  if piece.owner_id <> receiver then
    perform private.require_quota(receiver);
    delete from public.shared_compositions as s
     where s.composition_id = piece.id
       and s.user_id = receiver;
  end if;

  if (piece.owner_id, piece.organization_id)
    is distinct from (receiver, transfer_composition.organization_id)
  then
    update public.user_compositions as c
       set owner_id = receiver, organization_id = transfer_composition.organization_id
     where c.id = piece.id
    returning c.* into piece;
  end if;

  return private.write_summary(piece) || jsonb_build_object(
    'owner_id', piece.owner_id, 'organization_id', piece.organization_id
  );
end;
$$;
