-- Take a composition for a change, after everyone who came first.
--
--   composition_id  any id
--   required        'viewer', 'editor' or 'owner': this role or a higher one
--   in_trash        whether it has to be in the trash, or out of it
--   returns         the row, locked until the transaction ends
--
-- Raises
--   PT401 account_not_found  the account of the token is gone
-- and what private.require_composition_role() raises.
--
-- The role is asked before the locks, so that a stranger cannot hold anyone up, and again after
-- them, since whoever held them may have been taking the role away. The memberships that it may
-- rest on are locked too: once a member has been removed, nothing of theirs comes after.
--
-- Definer rights: callers may not lock rows.
create function private.lock_composition(
  composition_id uuid,
  required       text,
  in_trash       boolean default false
) returns public.user_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid;
  locked public.user_compositions;
begin
  perform private.require_composition_role(lock_composition.composition_id, required, in_trash);
  caller := private.lock_caller();

  perform private.lock_memberships(
    array[caller], private.organizations_around(lock_composition.composition_id)
  );

  select c.* into locked
    from public.user_compositions as c
   where c.id = lock_composition.composition_id
     for no key update;

  perform private.require_composition_role(lock_composition.composition_id, required, in_trash);
  return locked;
end;
$$;
