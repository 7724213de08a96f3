-- A signature that only who knows the secret can make: HMAC-SHA256 (RFC 2104), without an extension
-- that may be elsewhere.
--
--   secret   the key, as UTF-8
--   message  what is signed, as UTF-8
--   returns  32 bytes
create function private.hmac_sha256(secret text, message text) returns bytea
language plpgsql immutable
set search_path = ''
as $$
declare
  key   bytea := convert_to(secret, 'UTF8');
  block bit(512);
begin
  if octet_length(key) > 64 then
    key := sha256(key);
  end if;
  block := ('x' || rpad(encode(key, 'hex'), 128, '0'))::bit(512);

  -- Only bits can be xored. The first four bytes of what bit_send() returns are their number.
  return sha256(
    substring(bit_send(block # ('x' || repeat('5c', 64))::bit(512)) from 5)
    || sha256(
         substring(bit_send(block # ('x' || repeat('36', 64))::bit(512)) from 5)
         || convert_to(message, 'UTF8')
       )
  );
end;
$$;
