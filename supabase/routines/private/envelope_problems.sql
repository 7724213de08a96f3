-- What is wrong with the outermost level of a document: its keys, and the types of their values.
--
--   document  jsonb within the limits
--   returns   array of problems by path, empty when there are none
--
-- The dialect decides whether there is a body or a root and components. Where it is not known, what
-- is there decides, so that a misspelt dialect is one problem.
create function private.envelope_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  formats    constant text[] := '{composition/1}';
  dialects   constant text[] := private.dialects();
  dialect    constant text := document ->> 'dialect';
  root       constant text := document ->> 'root';
  components constant jsonb := document -> 'components';
  has_body   constant boolean := dialect is not distinct from 'json'
    or not coalesce(dialect = any (dialects), false) and document ? 'body' and components is null;
  required   constant text[] := '{format,dialect}'::text[]
    || case when has_body then '{body}' else '{root,components}' end::text[];
  allowed    constant text[] := required || '{data,sources,parameters,ext}'::text[];
  missing    constant text[] := case
    when jsonb_typeof(document) = 'object' and not document ?& required
      then private.missing_keys(document, required, allowed)
  end;
  problems   jsonb;
begin
  if jsonb_typeof(document) is distinct from 'object' then
    return jsonb_build_array(
      private.problem('wrong_type', '', 'a document is an object', 'object')
    );
  end if;

  select jsonb_agg(f.problem order by f.name collate "C") filter (where f.problem is not null)
    into problems
    from (
      select k.name, case
               when not k.is_known then private.problem(
                 'unknown_key', private.pointer(k.name), 'a document has no such key',
                 allowed => allowed, nearest => private.nearest(k.name, allowed)
               )
               when k.value is null and not coalesce(k.name = any (missing), false) then null
               when k.name = 'format' and k.value = '"composition/1"' then null
               when k.name = 'format' then private.problem(
                 'unknown_format', '/format', 'the format is not known',
                 allowed => formats, nearest => private.nearest(k.value #>> '{}', formats)
               )
               when k.name = 'dialect' and jsonb_typeof(k.value) = 'string'
                 and dialect = any (dialects) then null
               when k.name = 'dialect' then private.problem(
                 'unknown_dialect', '/dialect', 'the dialect is not known',
                 allowed => dialects, nearest => private.nearest(dialect, dialects)
               )
               when k.value is null and k.name = 'root' then private.problem(
                 'missing_root', '/root', 'the document names no root', 'the id of a component'
               )
               when k.value is null then private.problem(
                 'wrong_type', '/' || k.name, 'the value is missing', 'object'
               )
               when jsonb_typeof(k.value) <> k.type then private.problem(
                 'wrong_type', '/' || k.name, 'the value has the wrong type', k.type
               )
               when k.name = 'root' and jsonb_typeof(components) = 'object'
                 and not components ? root then private.problem(
                 'missing_root', '/root', 'root names no component', 'the id of a component',
                 nearest => private.nearest(root, array(select jsonb_object_keys(components)))
               )
             end as problem
        from (
          select coalesce(e.key, a.name) as name, e.value, a.name is not null as is_known,
                 case when a.name = 'root' then 'string' else 'object' end as type
            from jsonb_each(document) as e
            full join unnest(allowed) as a (name) on a.name = e.key
           order by a.name is null, e.key collate "C"
           limit 100 + cardinality(allowed)
        ) as k
    ) as f;

  return coalesce(problems, '[]');
end;
$$;
