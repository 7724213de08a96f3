-- Where each component of a document stands.
--
--   components  components by id, of a dialect that has them
--   returns     a row (id, parent_id) for every component that another one names as its child; of
--               several parents the first by id
create function private.component_parents(components jsonb)
returns table (id text, parent_id text)
language plpgsql immutable
set search_path = ''
as $$
begin
  return query
    select distinct on (1) named.id #>> '{}', c.key
      from jsonb_each(components) as c
     cross join lateral jsonb_path_query(
       c.value,
       'lax $ ? (@.type() == "object").keyvalue()
            ? (@.key like_regex "(child|children|componentId|content|tabs|trigger)$" flag "i")
            .value'
     ) as kept (value)
     cross join lateral jsonb_path_query(
       kept.value, 'strict $.**{0 to 2} ? (@.type() == "string")'
     ) as named (id)
     where components ? (named.id #>> '{}')
     order by 1, 2;
end;
$$;
