-- Put a document into the content store, once, and hold it there until the transaction ends.
--
--   document  a valid document
--   returns   its content_hash
--
-- Somebody may just be collecting equal content, whose last version is gone: this waits for them,
-- and then stores it anew.
--
-- Definer rights: nobody may write content in any other way.
create function private.store_document(document jsonb) returns bytea
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hash constant bytea := private.content_hash(store_document.document);
begin
  loop
    insert into public.compositions (content_hash, document)
    values (hash, store_document.document)
    on conflict do nothing;

    perform from public.compositions as d where d.content_hash = hash for key share;
    exit when found;
  end loop;
  return hash;
end;
$$;
