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
