-- Refuse an invitation that does not exist for the caller.
--
-- Raises
--   PT404 invitation_not_found  always, and always in the same words
create function private.refuse_unknown_invitation() returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'there is no such invitation' using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'invitation_not_found'),
    hint    = 'Sign in with the address that was invited. It may have ended: ask for a new one.';
end;
$$;
