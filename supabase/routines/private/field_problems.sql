-- Which fields of parameters are none of those that their sources say they have.
--
--   document  jsonb object, its parameters an object
--   returns   array of problems by path, at most 100, empty when there are none: with the first
--             twenty fields of a source that lacks it, and for the first ten with the nearest one
--
-- A source that does not say what fields it has may have any.
create function private.field_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    with s as materialized (
      select e.key as name, e.value -> 'fields' as fields
        from jsonb_each(
               case when jsonb_typeof(document -> 'sources') = 'object' then document -> 'sources' end
             ) as e
       where jsonb_typeof(e.value) = 'object' and private.is_fields(e.value -> 'fields')
    ),
    f as (
      select distinct on (p.key)
             p.key as parameter, p.value ->> 'field' as field, s.name as source, s.fields
        from jsonb_each(case when exists (select from s) then document -> 'parameters' end) as p
       cross join jsonb_array_elements_text(
               case when jsonb_typeof(p.value -> 'target') = 'array' then p.value -> 'target' end
             ) as t (name)
        join s on s.name = t.name
       where jsonb_typeof(p.value -> 'field') = 'string'
         and p.value ->> 'field' <> ''
         and not s.fields ? (p.value ->> 'field')
       order by p.key, s.name
       limit 100
    )
    select coalesce(jsonb_agg(private.problem(
             'bad_parameter', private.pointer('parameters', f.parameter, 'field'),
             'a source that it is for has no such field',
             allowed => names.fields[:20],
             nearest => case when f.turn <= 10 then private.nearest(f.field, names.fields) end
           ) order by private.pointer('parameters', f.parameter, 'field') collate "C"), '[]')
      from (select f.*, row_number() over (order by f.parameter) as turn from f) as f
     cross join lateral (
             select array(
               select e.field from jsonb_array_elements_text(f.fields) with ordinality as e (field, nth)
                order by e.nth
             ) as fields
           ) as names
  );
end;
$$;
