-- The person who calls, held until the end of the transaction, for what is written in their name:
-- their account cannot be deleted meanwhile, and if it was deleted first, the call is refused.
--
--   returns  the id of an account
--
-- Raises
--   PT401 not_signed_in      the token names nobody
--   PT401 account_not_found  the account of the token is gone
--
-- Locks are taken in one order everywhere, so that nobody waits in a circle: accounts, then
-- organisations, memberships, compositions.
--
-- Definer rights: callers have no access to accounts.
create function private.lock_caller() returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
begin
  perform from auth.users as u where u.id = caller for key share;
  if not found then
    raise exception 'the account of this token is gone' using
      errcode = 'PT401',
      detail  = jsonb_build_object('code', 'account_not_found'),
      hint    = 'Sign in with an account that exists.';
  end if;
  return caller;
end;
$$;
