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
