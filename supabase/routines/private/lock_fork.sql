-- Take a fork for a change, and hold what it was made from, after everyone who came first.
--
--   composition_id  any id
--   returns         the row of the fork, locked until the transaction ends
--
-- Raises what private.lock_composition() and private.require_upstream() raise.
--
-- Whoever purges what it was made from or takes a share of it away waits, and knows that nothing of
-- it comes after; others who update from it do not wait. Both are taken in the order of their ids,
-- as by all who hold several.
--
-- Definer rights: callers may not lock rows.
create function private.lock_fork(composition_id uuid) returns public.user_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   uuid;
  fork     public.user_compositions;
  upstream uuid;
begin
  perform private.require_composition_role(lock_fork.composition_id, 'editor');
  upstream := (private.require_upstream(lock_fork.composition_id)).id;
  caller := private.lock_caller();
  perform private.lock_memberships(
    array[caller],
    private.organizations_around(lock_fork.composition_id)
    || private.organizations_around(upstream)
  );

  if upstream < lock_fork.composition_id then
    perform from public.user_compositions as c where c.id = upstream for share;
  end if;
  fork := private.lock_composition(lock_fork.composition_id, 'editor');
  perform from public.user_compositions as c where c.id = upstream for share;

  perform private.require_upstream(lock_fork.composition_id);
  return fork;
end;
$$;
