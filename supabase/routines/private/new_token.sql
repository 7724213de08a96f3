-- A token for a link or an invitation: who has it may use it. Only its hash is kept
-- (private.hash_token()), so it is shown once and cannot be looked up.
--
--   returns  43 characters of base64url: 32 bytes, 244 bits of them random
--
-- Two version 4 UUIDs: Postgres draws them from the cryptographic source of the system, and needs
-- no extension for that.
create function private.new_token() returns text
language sql volatile
set search_path = ''
as $$
  select rtrim(
    translate(
      encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), '+/', '-_'
    ),
    '='
  );
$$;
