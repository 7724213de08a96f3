-- Refuse an end of a share that has passed or never comes.
--
--   expires_at  null: until revoked
--
-- Raises
--   PT422 invalid_argument  not in the future, or infinite
create function private.require_time_to_come(expires_at timestamptz) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if expires_at <= now() or not isfinite(expires_at) then
    raise exception 'expires_at is no time to come' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'expires_at'),
      hint    = 'Send a time in the future, or null for a share that lasts until it is revoked.';
  end if;
end;
$$;
