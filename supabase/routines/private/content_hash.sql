-- The name of a document's content: SHA-256 (FIPS 180-4) of its canonical text, which is what
-- jsonb prints (keys sorted, no duplicates, one spelling of white space).
--
--   returns  32 bytes
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
create function private.content_hash(document jsonb) returns bytea
language plpgsql immutable
set search_path = ''
as $$
begin
  return sha256(convert_to(content_hash.document::text, 'UTF8'));
end;
$$;
