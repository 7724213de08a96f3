-- Documents are validated whole: components and the tree they make, sources and parameters; and
-- anybody signed in may try one before saving it.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- How far two names are apart, for private.nearest(). A project that has it elsewhere moves it:
-- alter extension fuzzystrmatch set schema extensions.
create extension if not exists fuzzystrmatch with schema extensions;

-- It has another argument now; nobody outside this schema calls it.
drop function private.problem(text, text, text, text, text[]);

-- Which children of components have another shape than a child, or the id of no component.
--
--   components  jsonb object of components by id
--   returns     array of problems by path, at most 100, empty when there are none; the first ten
--               ids that nothing has come with the nearest, since comparing takes its time
create function private.child_problems(components jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  ids      constant text[] := array(select jsonb_object_keys(components));
  problems jsonb;
begin
  select jsonb_agg(case
           when f.child is null then private.problem(
             'wrong_type', f.path, 'this is no child of a component', f.expected
           )
           else private.problem(
             'unresolved_child', f.path, 'no component has this id', f.expected,
             nearest => case when f.nth <= 10 then private.nearest(f.child, ids) end
           )
         end order by f.path collate "C")
    into problems
    from (
      select r.child, r.expected,
             private.pointer('components', r.parent) || '/' || r.place as path,
             row_number() over (
               partition by r.child is null
               order by r.parent collate "C", r.nth, r.place collate "C"
             ) as nth
        from (
          select c.*
            from private.child_references(components) as c
           where c.child is null or not components ? c.child
           order by c.parent collate "C", c.nth, c.place collate "C"
           limit 100
        ) as r
    ) as f;

  return coalesce(problems, '[]');
end;
$$;

-- The children that components name: which keys hold them, and in which shape.
--
--   components  jsonb object of components by id
--   returns     a row a reference:
--                 parent    the id of the component that names it; parent_number its position
--                 place     where in that component: child, children/2, tabs/0/child …
--                 nth       of an entry in its array, from 1 on; else 0
--                 child     the id it names; null: something else stands there, and a component of
--                           this type has a child there
--                 expected  what should stand there
--
-- The keys are those of A2UI's basic catalog. A type that is not of that catalog may use the same
-- keys: what has the shape of a reference is one, everything else is the host's own business. No
-- other key is looked at: a text, an action or a binding may hold anything.
create function private.child_references(components jsonb)
returns table (
  parent text, parent_number integer, place text, nth bigint, child text, expected text
)
language plpgsql stable rows 5000
set search_path = ''
as $$
begin
  return query
    with c as materialized (
      select e.key as id, e.number, e.value as component, e.value ->> 'component' as type
        from jsonb_each(child_references.components) with ordinality as e (key, value, number)
       where jsonb_typeof(e.value) = 'object'
         and e.value ?| '{child,children,tabs,trigger,content}'
    )
    select r.id, r.number::integer, r.place, r.nth,
           case when jsonb_typeof(r.value) = 'string' then r.value #>> '{}' end,
           coalesce(r.expected, 'the id of a component')
      from (
        select c.id, c.number, 'child' as place, 0::bigint as nth, c.component -> 'child' as value,
               c.type in ('Button', 'Card') as is_child, null as expected
          from c
         where c.component ? 'child'
        union all
        select c.id, c.number, 'trigger', 0, c.component -> 'trigger', true, null
          from c
         where c.type = 'Modal' and c.component ? 'trigger'
        union all
        select c.id, c.number, 'content', 0, c.component -> 'content', true, null
          from c
         where c.type = 'Modal' and c.component ? 'content'
        union all
        select c.id, c.number, 'children/' || e.nth - 1, e.nth, e.value,
               c.type in ('Column', 'List', 'Row'), null
          from c
         cross join jsonb_array_elements(
                 case when jsonb_typeof(c.component -> 'children') = 'array'
                   then c.component -> 'children' end
               ) with ordinality as e (value, nth)
        union all
        select c.id, c.number,
               case when t.is_template then 'children/componentId' else 'children' end,
               0,
               case when t.is_template then c.component #> '{children,componentId}' end,
               c.type in ('Column', 'List', 'Row'),
               'an array of ids, or {componentId, path}'
          from c
         cross join lateral (
                 select jsonb_typeof(c.component #> '{children,componentId}') = 'string'
                        and jsonb_typeof(c.component #> '{children,path}') = 'string'
               ) as t (is_template)
         where jsonb_typeof(c.component -> 'children') <> 'array'
        union all
        select c.id, c.number,
               'tabs/' || e.nth - 1
                 || case when jsonb_typeof(e.value) = 'object' then '/child' else '' end,
               e.nth, e.value -> 'child', c.type = 'Tabs', null
          from c
         cross join jsonb_array_elements(
                 case when jsonb_typeof(c.component -> 'tabs') = 'array'
                   then c.component -> 'tabs' end
               ) with ordinality as e (value, nth)
        union all
        select c.id, c.number, 'tabs', 0, null, c.type = 'Tabs', 'an array of {title, child}'
          from c
         where jsonb_typeof(c.component -> 'tabs') <> 'array'
      ) as r
     where jsonb_typeof(r.value) = 'string' or r.is_child;
end;
$$;

-- What is wrong with components, each by itself: its id, and the name of its type.
--
--   components  jsonb object of components by id
--   returns     array of problems by path, empty when there are none
--
-- Everything else in a component is between it and its catalog, but for its children:
-- private.child_problems().
create function private.component_problems(components jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb;
begin
  select jsonb_agg(f.problem order by f.id collate "C")
    into problems
    from (
      select c.id, k.problem
        from (
          select e.key as id, e.value, e.value -> 'component' as type
            from jsonb_each(components) as e
           where (length(e.key) > 64 or e.key !~ '^[A-Za-z0-9_-]+$')
              or jsonb_typeof(e.value) <> 'object'
              or jsonb_typeof(e.value -> 'component') is distinct from 'string'
              or e.value -> 'component' = '""'
           limit 100
        ) as c
       cross join lateral (
               select private.problem(
                 'bad_component_id', private.pointer('components', c.id),
                 'the id of a component has another form', '1 to 64 of A-Z a-z 0-9 _ -'
               ) as problem
                where (length(c.id) > 64 or c.id !~ '^[A-Za-z0-9_-]+$')
               union all
               select case
                 when jsonb_typeof(c.value) <> 'object' then private.problem(
                   'wrong_type', private.pointer('components', c.id),
                   'a component is an object', 'object'
                 )
                 when coalesce(c.type, '""') = '""' then private.problem(
                   'missing_component', private.pointer('components', c.id, 'component'),
                   'the component does not name its type', 'the name of a type'
                 )
                 when jsonb_typeof(c.type) <> 'string' then private.problem(
                   'wrong_type', private.pointer('components', c.id, 'component'),
                   'the name of a type is a string', 'string'
                 )
               end
             ) as k
       where k.problem is not null
    ) as f;

  return coalesce(problems, '[]');
end;
$$;

-- Components and the children they name, as numbers: what a walk over them needs.
--
--   components  jsonb object of components by id
--   root        the id of the outermost one
--   returns     one row of arrays:
--                 ids       of components; the position of each is its number
--                 starts    by number: where in children its own follow
--                 children  for each component a 0, then the numbers of its children; -1: no
--                           component has that id
--                 places    where each of those is named, in its component
--                 top       the number of the root; null: no component has that id
create function private.component_tree(components jsonb, root text)
returns table (ids text[], starts integer[], children integer[], places text[], top integer)
language plpgsql stable rows 1
set search_path = ''
as $$
begin
  return query
    with c as materialized (
      select k.id, k.number::integer
        from jsonb_object_keys(component_tree.components) with ordinality as k (id, number)
    ), s as (
      select s.*, row_number() over (order by s.parent, s.nth, s.place collate "C")::integer as at
        from (
          select f.parent_number as parent, f.nth, f.place, coalesce(c.number, -1) as child
            from private.child_references(component_tree.components) as f
            left join c on c.id = f.child
          union all
          select c.number, -1, '', 0 from c
        ) as s
    )
    select (select array_agg(c.id order by c.number) from c),
           array_agg(s.at order by s.at) filter (where s.child = 0),
           array_agg(s.child order by s.at),
           array_agg(s.place order by s.at),
           (select c.number from c where c.id = component_tree.root)
      from s;
end;
$$;

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

-- Everything that is wrong with a document: the one validator.
--
--   document  any jsonb, or null
--   returns   array of problems, at most 100, empty when it is valid: of the envelope first, then
--             of components, of the tree they make, of sources, of parameters, of ext; each part
--             by path
--
-- Where a limit is broken nothing else is looked at. One mistake is one problem where that can be
-- told: what only follows from another problem is left out.
create or replace function private.document_problems(document jsonb) returns jsonb
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
                         || private.target_problems(document);
  end if;
  if jsonb_typeof(document -> 'ext') = 'object' then
    problems := problems || private.ext_problems(document -> 'ext');
  end if;

  return jsonb_path_query_array(problems, '$[0 to 99]');
end;
$$;

-- What is wrong with the outermost level of a document: its keys, and the types of their values.
--
--   document  jsonb within the limits
--   returns   array of problems by path, empty when there are none
--
-- The dialect decides whether there is a body or a root and components. Where it is not known, what
-- is there decides, so that a misspelt dialect is one problem.
create or replace function private.envelope_problems(document jsonb) returns jsonb
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

-- What is wrong with the names in the ext of a document; what they hold is the host's own.
--
--   ext      jsonb object
--   returns  array of problems by path, empty when there are none
create function private.ext_problems(ext jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(private.problem(
             'unknown_key', private.pointer('ext', e.name), 'ext has no such names',
             'namespace/name, each of A-Z a-z 0-9 . _ -'
           )), '[]')
      from (
        select k.name
          from jsonb_object_keys(ext_problems.ext) as k (name)
         where k.name !~ '^[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._-]{1,64}$'
         order by k.name collate "C"
         limit 100
      ) as e
  );
end;
$$;

-- What makes a value too dangerous to look at any closer.
--
--   document  any jsonb
--   returns   array of problems, empty when it is within the limits
--
-- The order is the point. A few kilobytes such as [1e131071, …] print as gigabytes, so nothing may
-- turn the value into text before its numbers are known to be small; and nothing may walk it that
-- grows faster than its size. Jsonb takes at most four times the bytes of its text ([0,0,…]),
-- which bounds the work before any of it starts.
create or replace function private.limit_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  -- Within what can be counted with, however much an operator lets in.
  max_bytes  constant bigint := least(private.setting('max_document_bytes'), 1000000000000);
  max_depth  constant bigint := least(private.setting('max_document_depth'), 1000000);
  max_number constant bigint := private.setting('max_number');
  max_components constant bigint := private.setting('max_components');
  max_zero_scale constant integer := 15;
  problems   jsonb := '[]';
begin
  if pg_column_size(document) > 4 * max_bytes then
    return jsonb_build_array(private.problem(
      'too_large', '', 'the document is too large', format('at most %s bytes of text', max_bytes)
    ));
  end if;

  -- A zero has a size too, if not a magnitude: 0e-16383 prints as sixteen thousand digits.
  if jsonb_path_exists(
    document,
    'strict $.** ? (
       @.type() == "number"
       && !(@ >= $least && @ <= $most || @ == 0 || @ <= -$least && @ >= -$most)
     )',
    jsonb_build_object('most', max_number, 'least', 1::numeric / max_number)
  ) or exists (
    select
      from jsonb_array_elements(jsonb_path_query_array(document, 'strict $.** ? (@ == 0)')) as z
     where scale(z::numeric) > max_zero_scale
  ) then
    problems := problems || private.problem(
      'number_out_of_range', '', 'a number is too large, or too close to zero',
      format('0, or a magnitude from 1/%s to %s', max_number, max_number)
    );
  end if;

  if jsonb_path_exists(document, format('strict $.**{%s}', max_depth + 1)::jsonpath) then
    problems := problems || private.problem(
      'too_deep', '', 'the document is nested too deeply', format('at most %s levels', max_depth)
    );
  end if;

  if problems = '[]' and octet_length(document::text) > max_bytes then
    problems := problems || private.problem(
      'too_large', '', 'the document is too large', format('at most %s bytes of text', max_bytes)
    );
  end if;

  if problems = '[]' and jsonb_typeof(document -> 'components') = 'object'
     and (select count(*) from jsonb_object_keys(document -> 'components')) > max_components then
    problems := problems || private.problem(
      'too_large', '/components', 'the document has too many components',
      format('at most %s components', max_components)
    );
  end if;

  return problems;
end;
$$;

-- The required keys that an object lacks, but for those that only look misspelt.
--
--   value     jsonb object
--   required  keys it must have
--   allowed   keys it may have, required ones included
--   returns   keys. One is left out if a key that is not allowed looks like it, since that key is a
--             problem already. Of keys that are not allowed, the first few are looked at
create function private.missing_keys(value jsonb, required text[], allowed text[]) returns text[]
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    with wild as (
      select k.key
        from jsonb_object_keys(missing_keys.value) as k (key)
       where k.key <> all (missing_keys.allowed)
       limit 10
    )
    select array_agg(r.key)
      from unnest(missing_keys.required) as r (key)
     where not missing_keys.value ? r.key
       and not exists (
             select from wild as w
              where private.nearest(w.key, missing_keys.allowed) = r.key
           )
  );
end;
$$;

-- The candidate that a misspelt name was probably meant to be.
--
--   name        what stands there, of any length
--   candidates  what might have been meant, of any number and length
--   returns     the closest of them; null: none is close. Case counts for nothing, and one letter
--               in three may be wrong, three at most. Of equally close ones, the first by bytes
--
-- Names have at most 64 characters (docs/document.md); what is longer was not meant to be one, and
-- would be long to compare and to send back.
create function private.nearest(name text, candidates text[]) returns text
language sql stable
set search_path = ''
as $$
  select c.candidate
    from (
      select lower(nearest.name) as name, length(nearest.name) as length,
             least(3, (length(nearest.name) + 1) / 3) as allowance
       where length(nearest.name) <= 64
    ) as n
   cross join unnest(nearest.candidates) as c (candidate)
   -- A case, for its order: lengths are quick to compare, and Postgres compares no long names.
   cross join lateral (
           select case
                    when abs(length(c.candidate) - n.length) <= n.allowance
                      then extensions.levenshtein_less_equal(
                        n.name, lower(c.candidate), n.allowance
                      )
                  end as distance
         ) as d
   where d.distance <= n.allowance
   order by d.distance, c.candidate collate "C"
   limit 1;
$$;

-- Where a parameter breaks its rules: private.parameter_rules().
--
--   parameter  jsonb object
--   returns    a row a fault: the key; what is expected, or allowed; and what was said instead,
--              where that may be one of those misspelt
create function private.parameter_faults(parameter jsonb)
returns table (key text, expected text, allowed text[], said text)
language plpgsql stable rows 1
set search_path = ''
as $$
begin
  return query
    with r as materialized (select * from private.parameter_rules(parameter_faults.parameter)),
    known as (
      select array_agg(r.key) as keys, array_agg(r.key) filter (where r.is_required) as required
        from r
    )
    select r.key, r.expected, r.allowed, parameter_faults.parameter ->> r.key
      from r, known
     where case
             when parameter_faults.parameter ? r.key then not r.is_fine
             when cardinality(known.keys) = 1 then true
             else r.key = any (
               private.missing_keys(parameter_faults.parameter, known.required, known.keys)
             )
           end
    union all
    select k.key, null, known.keys, k.key
      from known, jsonb_object_keys(parameter_faults.parameter) as k (key)
     where cardinality(known.keys) > 1 and k.key <> all (known.keys);
end;
$$;

-- What is wrong with the parameters of a document, each by itself.
--
--   parameters  jsonb object of parameters by name
--   returns     array of problems by path, at most 100, empty when there are none
create function private.parameter_problems(parameters jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(private.problem(
             'bad_parameter', private.pointer('parameters', f.name, f.key),
             'this is missing or not what is expected here',
             f.expected, f.allowed, private.nearest(f.said, f.allowed)
           ) order by private.pointer('parameters', f.name, f.key) collate "C", f.expected), '[]')
      from (
        select p.name, k.key, k.expected, k.allowed, k.said
          from (
            select e.key as name, e.value as parameter,
                   jsonb_typeof(e.value) = 'object' as is_object
              from jsonb_each(parameter_problems.parameters) as e
          ) as p
         cross join lateral (
                 select null as key, '1 to 64 of A-Z a-z 0-9 _ -' as expected,
                        null::text[] as allowed, null as said
                  where (length(p.name) > 64 or p.name !~ '^[A-Za-z0-9_-]+$')
                 union all
                 select null, 'object', null, null
                  where not p.is_object
                 union all
                 select k.key, k.expected, k.allowed, k.said
                   from private.parameter_faults(p.parameter) as k
                  where p.is_object
               ) as k
         limit 100
      ) as f
  );
end;
$$;

-- What the keys of a parameter must hold, and whether they do.
--
--   parameter  jsonb object
--   returns    a row for each key that a parameter of this type has; of an unknown type, type only:
--                key, is_required
--                expected  what must stand there; or
--                allowed   which of these
--                is_fine   whether it does; also where that depends on an op that is not known
create function private.parameter_rules(parameter jsonb)
returns table (key text, is_required boolean, expected text, allowed text[], is_fine boolean)
language plpgsql stable rows 7
set search_path = ''
as $$
begin
  return query
    select r.key, r.is_required,
           case when r.allowed is null then coalesce(r.expected, v.expected) end, r.allowed,
           case
             when r.allowed is not null
               then v.type = 'string' and v.value #>> '{}' = any (r.allowed)
             when r.key = 'field' then v.type = 'string' and v.value <> '""'
             when r.key = 'label' then v.type = 'string'
             when r.key = 'target' then v.type = 'array'
             when r.types = '{limit}' then
               v.value @? 'strict $ ? (@.type() == "number" && @ >= 1 && @.floor() == @)'
             when v.op = 'in' then v.type = 'array' and not exists (
               select
                 from jsonb_array_elements(case when v.type = 'array' then v.value end) as e (value)
                where jsonb_typeof(e.value) not in ('string', 'number', 'boolean')
             )
             when v.op = 'contains' then v.type = 'string'
             when v.op in ('lt', 'lte', 'gt', 'gte') then v.type in ('number', 'string')
             when v.op in ('eq', 'ne') then v.type not in ('array', 'object')
             else true
           end
      from (values
        ('{filter,sort,limit}'::text[], 'type', true, null, '{filter,sort,limit}'::text[]),
        ('{filter,sort}', 'field', true, 'the name of a field', null),
        ('{filter}', 'op', true, null, '{eq,ne,lt,lte,gt,gte,in,contains}'),
        ('{filter}', 'value', true, null, null),
        ('{sort}', 'direction', true, null, '{asc,desc}'),
        ('{limit}', 'value', true, 'a whole number from 1 on', null),
        ('{filter,sort,limit}', 'label', false, 'string', null),
        ('{filter,sort,limit}', 'target', true, 'an array of names of sources', null)
      ) as r (types, key, is_required, expected, allowed)
     cross join lateral (
             select parameter -> r.key as value, jsonb_typeof(parameter -> r.key) as type,
                    parameter ->> 'op' as op,
                    case
                      when parameter ->> 'op' = 'in' then 'an array of strings, numbers or booleans'
                      when parameter ->> 'op' = 'contains' then 'string'
                      when parameter ->> 'op' in ('eq', 'ne')
                        then 'a string, a number, true, false or null'
                      else 'a string or a number'
                    end as expected
           ) as v
     where r.key = 'type' or parameter ->> 'type' = any (r.types);
end;
$$;

-- A JSON Pointer (RFC 6901).
--
--   tokens   names of keys, outermost first; a null is left out
--   returns  /a/b, its tokens escaped, each cut to 100 characters: a path is for finding the place,
--            not for sending the document back
create function private.pointer(variadic tokens text[]) returns text
language sql immutable
set search_path = ''
as $$
  select string_agg(
           '/' || replace(replace(left(t.token, 100), '~', '~0'), '/', '~1'), '' order by t.nth
         )
    from unnest(pointer.tokens) with ordinality as t (token, nth);
$$;

-- One problem of a document.
--
--   code      stable, for programs
--   path      JSON Pointer (RFC 6901) to where it is, components by id; '' is the whole document
--   message   for people; it quotes nothing
--   expected  what should stand there instead, if that is one thing
--   allowed   what may stand there, if it is a choice
--   nearest   what was probably meant, if anything is close: private.nearest()
--   returns   {code, path, message, expected?, allowed?, nearest?}
create function private.problem(
  code     text,
  path     text,
  message  text,
  expected text default null,
  allowed  text[] default null,
  nearest  text default null
) returns jsonb
language sql immutable
set search_path = ''
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'code', problem.code,
    'path', problem.path,
    'message', problem.message,
    'expected', problem.expected,
    'allowed', to_jsonb(problem.allowed),
    'nearest', problem.nearest
  ));
$$;

-- What is wrong with the sources of a document.
--
--   sources  jsonb object of sources by name
--   returns  array of problems by path, at most 100, empty when there are none
create function private.source_problems(sources jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  allowed  constant text[] := '{ref,into,args}';
  problems jsonb;
begin
  select jsonb_agg(case
           when f.key <> all (allowed) then private.problem(
             'unknown_key', private.pointer('sources', f.name, f.key),
             'a source has no such key',
             allowed => allowed, nearest => private.nearest(f.key, allowed)
           )
           when f.key is not null then private.problem(
             'wrong_type', private.pointer('sources', f.name, f.key),
             'the value is missing or of another type', f.expected
           )
           when f.expected = 'object' then private.problem(
             'wrong_type', private.pointer('sources', f.name), 'a source is an object', f.expected
           )
           else private.problem(
             'unknown_key', private.pointer('sources', f.name),
             'the name of a source has another form', f.expected
           )
         end order by private.pointer('sources', f.name, f.key) collate "C")
    into problems
    from (
      select s.name, k.key, k.expected
        from (
          select e.key as name, e.value,
                 case when jsonb_typeof(e.value) = 'object' then e.value end as fields
            from jsonb_each(sources) as e
        ) as s
       cross join lateral (
               select null as key, '1 to 64 of A-Z a-z 0-9 _ -' as expected
                where (length(s.name) > 64 or s.name !~ '^[A-Za-z0-9_-]+$')
               union all
               select null, 'object'
                where jsonb_typeof(s.value) <> 'object'
               union all
               select e.key, null
                 from jsonb_object_keys(s.fields) as e (key)
                where e.key <> all (allowed)
               union all
               select r.key, r.expected
                 from (values
                   ('ref', 'a string that is not empty',
                    jsonb_typeof(s.fields -> 'ref') = 'string' and s.fields -> 'ref' <> '""'),
                   ('into', 'a JSON Pointer to a place in data',
                    jsonb_typeof(s.fields -> 'into') = 'string'
                    and s.fields ->> 'into' ~ '^(/([^/~]|~[01])*)+$'),
                   ('args', 'object', jsonb_typeof(s.fields -> 'args') = 'object')
                 ) as r (key, expected, is_fine)
                where case
                        when s.fields ? r.key then not r.is_fine
                        else r.key = any (private.missing_keys(s.fields, '{ref,into}', allowed))
                      end
             ) as k
       limit 100
    ) as f;

  return coalesce(problems, '[]');
end;
$$;

-- Which targets of parameters are no sources.
--
--   document  jsonb object, its parameters an object
--   returns   array of problems by path, at most 100, empty when there are none: with the first
--             twenty names that are allowed, and for the first ten with the nearest one
create function private.target_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  sources constant jsonb := coalesce(document -> 'sources', '{}');
  names   constant text[] := array(
    select k.name
      from jsonb_object_keys(
             case when jsonb_typeof(sources) = 'object' then sources end
           ) as k (name)
     where length(k.name) <= 64
     order by k.name collate "C"
     limit 5000
  );
  problems jsonb;
begin
  -- They may be there, under a misspelt key.
  if not document ? 'sources'
     and private.missing_keys(document, '{sources}', '{data,sources,parameters,ext}') is null then
    return '[]';
  end if;

  select jsonb_agg(case
           when f.name is null then private.problem(
             'bad_parameter', f.path, 'a target is a string', 'the name of a source'
           )
           else private.problem(
             'unknown_source', f.path, 'no source has this name', allowed => names[1:20],
             nearest => case when f.turn <= 10 then private.nearest(f.name, names) end
           )
         end order by f.path collate "C")
    into problems
    from (
      select private.pointer('parameters', p.key, 'target', (t.nth - 1)::text) as path,
             case when jsonb_typeof(t.value) = 'string' then t.value #>> '{}' end as name,
             row_number() over () as turn
        from jsonb_each(document -> 'parameters') as p
       cross join jsonb_array_elements(
               case when jsonb_typeof(p.value -> 'target') = 'array' then p.value -> 'target' end
             ) with ordinality as t (value, nth)
       where jsonb_typeof(t.value) <> 'string'
          or jsonb_typeof(sources) = 'object' and not sources ? (t.value #>> '{}')
       limit 100
    ) as f;

  return coalesce(problems, '[]');
end;
$$;

-- What keeps components from being a tree: children that are none, a child of two parents or of
-- itself, and a component that the root does not lead to.
--
--   components  jsonb object of components by id
--   root        the id of the outermost one
--   returns     array of problems, a few hundred at most, empty when there are none
--
-- A walk down from the root, depth first, then from what it did not meet. It takes a step or two
-- for each component and ends at a hundred problems, however many children are named. A child that
-- it is still below closes a cycle; one that was held before has two parents. What nothing names is
-- unreachable, and so is what it leads to, which is no mistake of its own. That is said only where
-- the root, all children and all types are there: what is missing may be what would lead to it.
--
-- A template is used wherever a list names it, and a trigger may stand elsewhere than its dialogue:
-- these two lead to a component without holding it.
create function private.tree_problems(components jsonb, root text) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  ids      text[];     -- these five: see private.component_tree()
  starts   integer[];
  children integer[];
  places   text[];
  top      integer;
  at       integer[];  -- where in children the walk is, by number of a component
  state    integer[];  -- 0: not met yet; 1: the walk is at it or below it; 2: done
  above    integer[];  -- whose child it was met as
  held     boolean[];  -- whether it is the child of one already
  leads    boolean;    -- whether the place at hand leads to a child without holding it
  met      integer := 0;
  node     integer;
  child    integer;
  turn     integer := 0;
  path     text;
  problems jsonb := '[]';
begin
  select t.* into ids, starts, children, places, top
    from private.component_tree(tree_problems.components, tree_problems.root) as t;
  if ids is null then
    return '[]';
  end if;
  at := starts;
  state := array_fill(0, array[cardinality(ids)]);
  above := array_fill(null::integer, array[cardinality(ids)]);
  held := array_fill(false, array[cardinality(ids)]);

  node := top;
  while jsonb_array_length(problems) < 100 loop
    if node is null then
      turn := turn + 1;
      exit when turn > cardinality(ids);
      continue when state[turn] > 0;
      node := turn;
    end if;

    state[node] := 1;
    at[node] := at[node] + 1;
    child := children[at[node]];
    if child > 0 then
      leads := places[at[node]] in ('children/componentId', 'trigger');
      if state[child] = 1 or not leads and (held[child] or child is not distinct from top) then
        path := private.pointer('components', ids[node]) || '/' || places[at[node]];
        problems := problems || case
          when state[child] = 1 then private.problem(
            'child_cycle', path, 'the component is a child of itself, or of one below it'
          )
          else private.problem(
            'two_parents', path, 'the component is a child in another place already'
          )
        end;
      else
        held[child] := held[child] or not leads;
        if above[child] is null and child is distinct from top then
          above[child] := node;
          met := met + 1;
        end if;
        if state[child] = 0 then
          node := child;
        end if;
      end if;
    elsif child is distinct from -1 then
      state[node] := 2;
      node := above[node];
    end if;
  end loop;

  if -1 = any (children) then
    return problems || private.child_problems(components);
  end if;
  if top is null or met = cardinality(ids) - 1
     or jsonb_path_exists(components, '$.* ? (!(@.component.type() == "string"))') then
    return problems;
  end if;
  return problems || private.unreachable_problems(ids, children, top);
end;
$$;

-- Which components are no child of any, so the root does not lead to them.
--
--   ids       of components, by number
--   children  numbers of those that are a child
--   root      the number of the one that need not be
--   returns   array of problems by path, at most 100, empty when there are none
create function private.unreachable_problems(ids text[], children integer[], root integer)
returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(private.problem(
             'unreachable_component', private.pointer('components', f.id),
             'the component is no child of any, nor the root'
           ) order by f.id collate "C"), '[]')
      from (
        select ids[n.number] as id
          from (
            select generate_subscripts(ids, 1)
            except select unnest(children)
            except select root
          ) as n (number)
         order by ids[n.number] collate "C"
         limit 100
      ) as f
  );
end;
$$;

-- Try a document before saving it.
--
--   document  any JSON
--   returns   {valid, problems: [{code, path, message, expected?, allowed?, nearest?}]}: what a
--             save would be refused for, at most 100 problems (docs/errors.md)
--
-- Definer rights: callers may neither call private.document_problems() nor read the limits.
create function public.validate_document(document jsonb) returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select jsonb_build_object('valid', p.problems = '[]', 'problems', p.problems)
    from private.document_problems(validate_document.document) as p (problems);
$$;

grant execute on function public.validate_document(jsonb) to authenticated;

-- The name of a document's content: SHA-256 (FIPS 180-4) of its canonical text, which is what
-- jsonb prints (keys sorted, no duplicates, one spelling of white space).
--
--   returns  32 bytes
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
create or replace function private.content_hash(document jsonb) returns bytea
language plpgsql immutable
set search_path = ''
as $$
begin
  return sha256(convert_to(content_hash.document::text, 'UTF8'));
end;
$$;

-- The value of a setting.
--
--   name     a row of private.settings
--   returns  its value, in the unit that its description names
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
--
-- Definer rights: callers have no access to the settings.
create or replace function private.setting(name text) returns bigint
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (select s.value from private.settings as s where s.name = setting.name);
end;
$$;
