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
