-- Take a composition for a change, after everyone who came first.
--
--   composition_id  any id
--   required        'viewer', 'editor' or 'owner': this role or a higher one
--   returns         the row, locked until the transaction ends
--
-- Raises what private.require_composition_role() raises.
--
-- The role is asked before the lock, so that a stranger cannot hold anyone up, and again after
-- it, since whoever held it may have been taking the role away.
--
-- Definer rights: callers may not lock rows.
create function private.lock_composition(composition_id uuid, required text)
returns public.user_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  locked public.user_compositions;
begin
  perform private.require_composition_role(lock_composition.composition_id, required);

  select c.* into locked
    from public.user_compositions as c
   where c.id = lock_composition.composition_id
     for no key update;

  perform private.require_composition_role(lock_composition.composition_id, required);
  return locked;
end;
$$;
