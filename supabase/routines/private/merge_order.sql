-- Whose order of the elements that both sides have holds.
--
--   base     a keyed array, or null
--   head     another one
--   mine     another one
--   kind     private.merge_kind() of the three
--   returns  'head'; 'mine', which alone changed it; 'both', which changed it differently, or added
--            the same elements in another order
create function private.merge_order(base jsonb, head jsonb, mine jsonb, kind text) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    with places as (
      select h.nth as head_nth, m.nth as mine_nth, b.nth as base_nth,
             lag(m.nth) over (order by h.nth) as mine_nth_before,
             lag(h.nth) over (partition by b.nth is null order by b.nth) as head_nth_in_base,
             lag(m.nth) over (partition by b.nth is null order by b.nth) as mine_nth_in_base
        from private.merge_parts(head, kind) as h
        join private.merge_parts(mine, kind) as m on m.key = h.key
        full join private.merge_parts(base, kind) as b on b.key = h.key
       where h.nth is not null
    ),
    changes as (
      select coalesce(bool_or(p.mine_nth < p.mine_nth_before), false) as differ,
             coalesce(bool_or(p.head_nth < p.head_nth_in_base and p.base_nth is not null), false)
               as by_head,
             coalesce(bool_or(p.mine_nth < p.mine_nth_in_base and p.base_nth is not null), false)
               as by_mine
        from places as p
    )
    select case when c.differ and c.by_head = c.by_mine then 'both'
                when c.differ and c.by_mine then 'mine'
                else 'head' end
      from changes as c
  );
end;
$$;
