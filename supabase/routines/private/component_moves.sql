-- What happened to the components of a document, one by one.
--
--   source   components by id
--   target   components by id
--   returns  a row (op, id, old_parent_id, new_parent_id, inside) for each that was added, removed,
--            moved to another parent, or replaced by one of another text. What came or went
--            together with its parent has none: inside says how many those are, down to 64 levels
--
-- The planner guesses a hundred components however many there are, and would then loop over both.
create function private.component_moves(source jsonb, target jsonb)
returns table (op text, id text, old_parent_id text, new_parent_id text, inside bigint)
language plpgsql immutable
set search_path = ''
set enable_nestloop = off
as $$
begin
  return query
    with recursive
    changes as materialized (
      select c.op, c.key from private.object_changes(source, target) as c
    ),
    parents as materialized (
      select coalesce(o.id, n.id) as id, o.parent_id as old_id, n.parent_id as new_id
        from private.component_parents(source) as o
        full join private.component_parents(target) as n on n.id = o.id
    ),
    arrivals as materialized (
      select c.op, c.key, p.old_id, p.new_id, w.key as leader
        from changes as c
        left join parents as p on p.id = c.key
        left join changes as w
          on w.op = c.op and w.key = case c.op when 'add' then p.new_id else p.old_id end
       where c.op <> 'replace'
    ),
    followers as (
      select a.key as leader, a.key, 0 as level
        from arrivals as a
       where a.leader is null
      union all
      select f.leader, a.key, f.level + 1
        from followers as f
        join arrivals as a on a.leader = f.key
       where f.level < 64
    )
    select a.op, a.key, a.old_id, a.new_id,
           (count(*) - 1)
      from arrivals as a
      join followers as f on f.leader = a.key
     group by a.op, a.key, a.old_id, a.new_id
    union all
    select 'move', p.id, p.old_id, p.new_id, 0
      from parents as p
     where p.old_id is distinct from p.new_id and source ? p.id and target ? p.id
    union all
    select c.op, c.key, null, null, 0
      from changes as c
     where c.op = 'replace';
end;
$$;
