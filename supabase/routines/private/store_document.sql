-- Put a document into the content store, once.
--
--   document  a valid document
--   returns   its content_hash
--
-- Definer rights: nobody may write content in any other way.
create function private.store_document(document jsonb) returns bytea
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hash bytea := private.content_hash(store_document.document);
begin
  insert into public.compositions (content_hash, document)
  values (hash, store_document.document)
  on conflict do nothing;
  return hash;
end;
$$;
