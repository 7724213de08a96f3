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
