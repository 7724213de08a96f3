-- What is kept of a token.
--
--   token    any text, or null
--   returns  its sha256, or null: it is longer or shorter than what private.new_token() makes, and
--            not looked at
create function private.hash_token(token text) returns bytea
language sql immutable
set search_path = ''
as $$
  select case when octet_length(token) = 43 then sha256(convert_to(token, 'UTF8')) end;
$$;
