-- What is wrong with the outermost level of a document: its keys, and the types of their values.
--
--   document  jsonb within the limits
--   returns   array of problems, at most 100, empty when there are none
create function private.envelope_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  dialects constant text[] := '{a2ui/0.9.1,json-render/1,json}';
  is_json  constant boolean := document ->> 'dialect' = 'json';
  required constant text[] :=
    case when is_json then '{format,dialect,body}' else '{format,dialect,root,components}' end;
  allowed  constant text[] := required || '{data,sources,parameters,ext}'::text[];
  problems jsonb;
begin
  if jsonb_typeof(document) is distinct from 'object' then
    return jsonb_build_array(
      private.problem('wrong_type', '', 'a document is an object', 'object')
    );
  end if;

  select jsonb_agg(found.problem order by found.path)
    into problems
    from (
      select '/format' as path, private.problem(
               'unknown_format', '/format', 'the format is not known', null, '{composition/1}'
             ) as problem
       where document -> 'format' is distinct from '"composition/1"'
      union all
      select '/dialect', private.problem(
               'unknown_dialect', '/dialect', 'the dialect is not known', null, dialects
             )
       where jsonb_typeof(document -> 'dialect') is distinct from 'string'
          or document ->> 'dialect' <> all (dialects)
      union all
      select k.path, case
               when k.name <> all (allowed) then private.problem(
                 'unknown_key', k.path, 'a document has no such key', null, allowed
               )
               else private.problem(
                 'wrong_type', k.path, 'the value has the wrong type', k.expected
               )
             end
        from (
          select e.key as name,
                 -- Cut: a path is for finding the place, not for sending the document back.
                 left('/' || replace(replace(e.key, '~', '~0'), '/', '~1'), 200) as path,
                 case when e.key = 'root' then 'string' else 'object' end as expected,
                 jsonb_typeof(e.value) as type
            from jsonb_each(document) as e
           where e.key not in ('format', 'dialect')
        ) as k
       where k.name <> all (allowed) or k.type <> k.expected
      union all
      select '/' || r.name, case
               when r.name = 'root' then private.problem(
                 'missing_root', '/root', 'the document names no root', 'the id of a component'
               )
               else private.problem(
                 'wrong_type', '/' || r.name, 'the value is missing', 'object'
               )
             end
        from unnest(required) as r (name)
       where r.name not in ('format', 'dialect') and not document ? r.name
      union all
      select '/root', private.problem(
               'missing_root', '/root', 'root names no component', 'the id of a component'
             )
       where jsonb_typeof(document -> 'root') = 'string'
         and jsonb_typeof(document -> 'components') = 'object'
         and not is_json
         and not document -> 'components' ? (document ->> 'root')
      union all
      select '/components', private.problem(
               'too_large', '/components', 'the document has too many components',
               format('at most %s components', private.setting('max_components'))
             )
       where jsonb_typeof(document -> 'components') = 'object'
         and (select count(*) from jsonb_object_keys(document -> 'components'))
             > private.setting('max_components')
      limit 100
    ) as found;

  return coalesce(problems, '[]');
end;
$$;
