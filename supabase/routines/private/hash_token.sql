-- What is kept of a token.
--
--   token    any text, or null
--   returns  its sha256, or null: it is none that private.new_token() makes
--
-- The length comes first: nothing looks at the characters of a text that is too long.
create function private.hash_token(token text) returns bytea
language sql immutable
set search_path = ''
as $$
  select case
    when octet_length(token) <> 43 then null
    when token ~ '^[A-Za-z0-9_-]{43}$' then sha256(convert_to(token, 'UTF8'))
  end;
$$;
