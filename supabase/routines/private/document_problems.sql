-- Everything that is wrong with a document: the one validator.
--
--   document  any jsonb, or null
--   returns   array of problems, at most 100, empty when it is valid
create function private.document_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := private.limit_problems(document);
begin
  if problems = '[]' then
    problems := private.envelope_problems(document);
  end if;
  return problems;
end;
$$;
