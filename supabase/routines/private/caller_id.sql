-- The person who calls, from their token.
--
--   returns  the id of an account
--
-- Raises
--   PT401 not_signed_in  the token names nobody
create function private.caller_id() returns uuid
language plpgsql stable
set search_path = ''
as $$
declare
  caller uuid := auth.uid();
begin
  if caller is null then
    raise exception 'this needs a signed-in person' using
      errcode = 'PT401',
      detail  = jsonb_build_object('code', 'not_signed_in'),
      hint    = 'Sign in, and send the access token as Authorization: Bearer.';
  end if;
  return caller;
end;
$$;
