-- Delete the caller's account, and all that hangs on it: at once, and for good.
--
--   email    the address of the account, in whatever case, so that nobody does it by accident; null
--            if it has none
--   returns  {user_id, owner_ids}: whom no token names any more, and who owns the organisations now
--            that the person belonged to: one of them may not have owned it before
--
-- Raises
--   PT401 not_signed_in      the token names nobody
--   PT401 account_not_found  the account of the token is gone
--   PT422 invalid_argument   the address is another one
--
-- What is personal goes, with its shares. An organisation's work stays with those who stay
-- (docs/life.md). export_my_data() first, if anything is to be kept.
--
-- Definer rights: callers have no access to accounts.
create function public.delete_my_account(email text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid   := private.caller_id();
  left_ids constant uuid[] := array(
    select m.organization_id from public.organization_members as m where m.user_id = caller
  );
begin
  -- No lock comes first: two who delete the same account would wait for each other.
  delete from auth.users as u
   where u.id = caller
     and lower(u.email) is not distinct from lower(delete_my_account.email);
  if found then
    return jsonb_build_object('user_id', caller, 'owner_ids', array(
      select distinct m.user_id
        from public.organization_members as m
       where m.organization_id = any (left_ids) and m.role = 'owner'
       order by m.user_id
    ));
  end if;

  perform private.lock_caller();
  raise exception 'that is not the address of this account' using
    errcode = 'PT422',
    detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'email'),
    hint    = 'Send the address that the account has.';
end;
$$;
