-- The dialects that a document may be in (docs/document.md).
--
--   returns  their names
create function private.dialects() returns text[]
language sql immutable
set search_path = ''
as $$
  select '{a2ui/0.9.1,json-render/1,json}'::text[];
$$;
