-- What is wrong with the sources of a document.
--
--   sources  jsonb object of sources by name
--   returns  array of problems by path, at most 100, empty when there are none
create function private.source_problems(sources jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  allowed  constant text[] := '{ref,into,args,fields}';
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
                   ('args', 'object', jsonb_typeof(s.fields -> 'args') = 'object'),
                   ('fields', 'an array of at most 200 different strings, of 1 to 200 characters',
                    private.is_fields(s.fields -> 'fields'))
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
