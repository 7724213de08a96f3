-- Get a document by the hash of its content, which never changes.
--
--   content_hash  as versions have it: 64 digits, 0 to 9 and a to f
--   returns       {content_hash, document}
--
-- Raises
--   PT401 not_signed_in       the token names nobody
--   PT404 document_not_found  no version that the caller may view has this content; every time the
--                             same answer
--
-- What it takes depends on how much the caller may view, and not on what others have. Who knows a
-- composition is served faster by load_composition() and get_version().
--
-- Definer rights: content is for nobody to read but through a version.
create function public.get_document(content_hash text) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  hash  bytea;
  found jsonb;
begin
  perform private.caller_id();

  if content_hash ~ '^[0-9a-f]{64}$' then
    hash := decode(content_hash, 'hex');
    if private.may_view_content(hash) then
      select jsonb_build_object('content_hash', encode(hash, 'hex'), 'document', d.document)
        into found
        from public.compositions as d
       where d.content_hash = hash;
    end if;
  end if;

  if found is null then
    raise exception 'there is no such document' using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'document_not_found'),
      hint    = 'Take the content_hash of a version that you may view.';
  end if;
  return found;
end;
$$;
