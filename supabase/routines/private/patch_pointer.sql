-- A pointer of an operation of a JSON Patch.
--
--   operation  an object
--   key        'path' or 'from'
--   index      which one it is, counted from 0
--   returns    array of its tokens, with that of the root first (private.pointer_tokens())
--
-- Raises
--   PT422 invalid_patch  it is missing, no pointer, or deeper than a document may be
create function private.patch_pointer(operation jsonb, key text, index integer) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  tokens text[];
begin
  if not operation ? key then
    perform private.refuse_patch(
      'missing_' || key, index, format('it needs a %s', key),
      format('Send a JSON Pointer as %s: "" is the whole document, "/a/0" a part of it.', key)
    );
  elsif jsonb_typeof(operation -> key) = 'string' then
    tokens := private.pointer_tokens(operation ->> key);
  end if;

  if tokens is null then
    perform private.refuse_patch(
      'bad_' || key, index, format('its %s is no JSON Pointer', key),
      'A pointer is "" or begins with "/"; in a key, "~" is written "~0" and "/" is written "~1".'
    );
  elsif cardinality(tokens) - 1 > private.setting('max_document_depth') then
    perform private.refuse_patch(
      'too_deep', index, format('its %s leads deeper than a document may be', key),
      'Stay within the levels that are expected.',
      jsonb_build_object(
        'expected', format('at most %s levels', private.setting('max_document_depth'))
      )
    );
  end if;
  return to_jsonb(tokens);
end;
$$;
