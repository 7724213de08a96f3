-- The dialects that a document may be in (docs/document.md).
--
--   returns  their names
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
create function private.dialects() returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return '{a2ui/0.9.1,json-render/1,json}';
end;
$$;
