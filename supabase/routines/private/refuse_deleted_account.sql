-- Refuse a caller whose token outlives their account.
--
-- Raises
--   PT401 account_not_found  always
create function private.refuse_deleted_account() returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'the account of this token is gone' using
    errcode = 'PT401',
    detail  = jsonb_build_object('code', 'account_not_found'),
    hint    = 'Sign in with an account that exists.';
end;
$$;
