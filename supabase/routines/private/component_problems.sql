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
