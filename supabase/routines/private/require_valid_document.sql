-- Refuse unless a document is valid.
--
--   document  any jsonb, or null
--
-- Raises
--   PT422 invalid_document  with every problem found, by path
create function private.require_valid_document(document jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := private.document_problems(document);
begin
  if problems <> '[]' then
    raise exception 'the document has % problem(s)', jsonb_array_length(problems) using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_document', 'problems', problems),
      hint    = 'Correct what problems lists, each at its path, and send the whole document again.';
  end if;
end;
$$;
