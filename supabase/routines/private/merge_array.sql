-- A keyed array with the elements and the order that a merge ends up with.
--
--   base      an array of that kind, or null
--   head      another one
--   mine      another one
--   kind      private.merge_kind() of the three
--   keys      elements that end up otherwise than in the head …
--   vals      … and what they end up as; null: gone
--   merged    the array
--   disorder  {base, head, mine}: ids in the order of each, where both sides changed it; null: none
--
-- Who changed the order alone has it their way. An element that only the other side has follows
-- the same element as there, after those that were put there by the first.
create function private.merge_array(
  base         jsonb,
  head         jsonb,
  mine         jsonb,
  kind         text,
  keys         text[],
  vals         jsonb[],
  out merged   jsonb,
  out disorder jsonb
)
language plpgsql immutable
set search_path = ''
as $$
declare
  verdict constant text := private.merge_order(base, head, mine, kind);
begin
  if verdict = 'both' then
    disorder := jsonb_build_object(
      'base', private.merge_ids(base, kind),
      'head', private.merge_ids(head, kind),
      'mine', private.merge_ids(mine, kind)
    );
  end if;

  -- Not jsonb_agg(), whose time grows with the square of what one large value holds.
  merged := to_jsonb(array(
    with ranked as (
      select coalesce(f.key, s.key) as key,
             f.nth as first_nth,
             s.nth as second_nth,
             -- How many that both have come before, and this one: in the order of the first …
             count(s.nth) over (order by f.nth) as slot,
             -- … and in that of the second.
             count(f.nth) over (order by s.nth) as run
        from private.merge_parts(case verdict when 'mine' then mine else head end, kind) as f
        full join private.merge_parts(case verdict when 'mine' then head else mine end, kind) as s
          on s.key = f.key
    ),
    placed as (
      select r.key, r.first_nth, r.second_nth,
             case when r.first_nth is not null then r.slot
                  when r.run = 0 then 0
                  else first_value(r.slot) over (
                         partition by r.second_nth is null, r.run order by r.second_nth
                       )
             end as slot
        from ranked as r
    )
    select case when c.key is null then h.value else c.value end
      from placed as p
      full join private.merge_parts(head, kind) as h on h.key = p.key
      full join unnest(keys, vals) as c (key, value) on c.key = p.key
     where case when c.key is null then h.value else c.value end is not null
     order by p.slot, p.first_nth, p.second_nth
  ));
end;
$$;
