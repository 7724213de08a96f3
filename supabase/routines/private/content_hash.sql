-- The name of a document's content: SHA-256 (FIPS 180-4) of its canonical text, which is what
-- jsonb prints (keys sorted, no duplicates, one spelling of white space).
--
--   returns  32 bytes
create function private.content_hash(document jsonb) returns bytea
language sql immutable
set search_path = ''
as $$
  select sha256(convert_to(content_hash.document::text, 'UTF8'));
$$;
