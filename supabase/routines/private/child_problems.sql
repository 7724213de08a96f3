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
