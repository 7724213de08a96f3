-- Take a layer for a change, after every other change of it.
--
--   composition_id   any id
--   scope            as private.layer_holder() takes it
--   organization_id  the same
--   returns          whose layer it is: the id of an organisation; null: the caller's own
--
-- Raises
--   PT401 account_not_found  the account of the token is gone
-- and what private.require_composition_role() and private.layer_holder() raise.
--
-- Whoever purges the composition or takes a share away waits, and knows that nothing of it comes
-- after; others who change layers of their own do not wait. So the head stands still, too. What
-- may be done is asked again with the locks held, as private.lock_composition() does.
--
-- Definer rights: callers may not lock rows.
create function private.lock_layer(
  composition_id  uuid,
  scope           text,
  organization_id uuid
) returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid;
  holder uuid;
begin
  perform private.require_composition_role(lock_layer.composition_id, 'viewer');
  perform private.layer_holder(
    lock_layer.composition_id, lock_layer.scope, lock_layer.organization_id, 'admin'
  );
  caller := private.lock_caller();
  perform private.lock_memberships(
    array[caller], private.organizations_around(lock_layer.composition_id)
  );

  perform from public.user_compositions as c
    where c.id = lock_layer.composition_id
      for share;

  perform private.require_composition_role(lock_layer.composition_id, 'viewer');
  holder := private.layer_holder(
    lock_layer.composition_id, lock_layer.scope, lock_layer.organization_id, 'admin'
  );
  -- There may be no row to lock yet.
  perform pg_advisory_xact_lock(hashtextextended(
    format('%s %s', lock_layer.composition_id, coalesce(holder, caller)), 0
  ));
  return holder;
end;
$$;
