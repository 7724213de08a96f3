-- Everything that is wrong with a document: the one validator.
--
--   document  any jsonb, or null
--   returns   array of problems, at most 100, empty when it is valid: of the envelope first, then
--             of components, of the tree they make, of sources, of parameters, of ext; each part
--             by path
--
-- Where a limit is broken nothing else is looked at. One mistake is one problem where that can be
-- told: what only follows from another problem is left out.
create function private.document_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := private.limit_problems(document);
begin
  if problems <> '[]' then
    return problems;
  end if;

  problems := private.envelope_problems(document);
  if jsonb_typeof(document -> 'components') = 'object'
     and document ->> 'dialect' is distinct from 'json' then
    problems := problems || private.component_problems(document -> 'components')
                         || private.tree_problems(document -> 'components', document ->> 'root');
  end if;
  if jsonb_typeof(document -> 'sources') = 'object' then
    problems := problems || private.source_problems(document -> 'sources');
  end if;
  if jsonb_typeof(document -> 'parameters') = 'object' then
    problems := problems || private.parameter_problems(document -> 'parameters')
                         || private.target_problems(document)
                         || private.field_problems(document);
  end if;
  if jsonb_typeof(document -> 'ext') = 'object' then
    problems := problems || private.ext_problems(document -> 'ext');
  end if;

  return jsonb_path_query_array(problems, '$[0 to 99]');
end;
$$;
