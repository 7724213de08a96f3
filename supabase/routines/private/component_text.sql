-- What a person reads on a component.
--
--   components  components by id
--   id          one of them
--   returns     its text, label or title, or that of its one child, in quotes; null when it has
--               none
create function private.component_text(components jsonb, id text) returns text
language plpgsql immutable strict
set search_path = ''
as $$
declare
  component constant jsonb := components -> id;
  child     constant jsonb := components -> (component ->> 'child');
begin
  return (
    select private.value_phrase(p.value)
      from unnest(array[component, child]) with ordinality as c (value, nth)
     cross join unnest('{text,label,title,name,placeholder,description}'::text[])
                  with ordinality as k (key, nth)
     cross join lateral (select c.value -> k.key as value) as p
     where jsonb_typeof(p.value) = 'string' and p.value <> '""'
     order by c.nth, k.nth
     limit 1
  );
end;
$$;
