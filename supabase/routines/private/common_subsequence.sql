-- A longest common subsequence of two arrays, or as much of one as the budget allows: the greedy
-- algorithm of Myers (An O(ND) difference algorithm and its variations, 1986).
--
--   source     elements as hashes
--   target     elements as hashes
--   budget     steps of work of which half may be spent here; comes back reduced
--   source_at  ascending places in the source, counted from 1 …
--   target_at  … and the places of the same hashes in the target, ascending too
--
-- The planner guesses ten elements however many there are, and would then loop over both.
create function private.common_subsequence(
  source        bigint[],
  target        bigint[],
  inout budget  integer,
  out source_at integer[],
  out target_at integer[]
)
language plpgsql immutable
set search_path = ''
set enable_nestloop = off
as $$
declare
  max_distance constant integer := 250;
  reserve      constant integer := budget / 2;
  -- What only one side has is in no common subsequence: without it, fewer steps.
  a      bigint[];
  b      bigint[];
  a_at   integer[];
  b_at   integer[];
  -- How far into a one gets on the diagonal k = x - y with d changes: a row for each d, one after
  -- another, of k = -d, 2 - d … d.
  reach  integer[] := '{}';
  above  integer;
  best_d integer := 0;
  best_k integer := 0;
  best   integer := -1;
  down   boolean;
  x      integer;
  y      integer;
begin
  select array_agg(e.hash order by e.nth), array_agg(e.nth order by e.nth) into a, a_at
    from unnest(source) with ordinality as e (hash, nth)
   where e.hash in (select unnest(target));
  select array_agg(e.hash order by e.nth), array_agg(e.nth order by e.nth) into b, b_at
    from unnest(target) with ordinality as e (hash, nth)
   where e.hash in (select unnest(source));

  source_at := '{}';
  target_at := '{}';
  if a is null then
    return;
  end if;

  <<search>>
  for d in 0 .. max_distance loop
    for k in -d .. d by 2 loop
      above := d * (d - 1) / 2 + (k + d) / 2;
      if d = 0 then
        x := 0;
      elsif k = -d or k < d and reach[above] < reach[above + 1] then
        x := reach[above + 1];
      else
        x := reach[above] + 1;
      end if;

      y := x - k;
      budget := budget - 1;
      while a[x + 1] = b[y + 1] loop
        x := x + 1;
        y := y + 1;
        budget := budget - 1;
      end loop;
      reach := array_append(reach, x);

      if x + y > best and x <= cardinality(a) and y <= cardinality(b) then
        best := x + y;
        best_d := d;
        best_k := k;
      end if;
      exit search when best = cardinality(a) + cardinality(b) or budget < reserve;
    end loop;
  end loop;

  -- Back along the way that led farthest.
  for d in reverse best_d .. 0 loop
    above := d * (d - 1) / 2 + (best_k + d) / 2;
    down := d > 0 and (best_k = -d or best_k < d and reach[above] < reach[above + 1]);
    x := case when d = 0 then 0 when down then reach[above + 1] else reach[above] + 1 end;
    for i in reverse reach[above + d + 1] .. x + 1 loop
      source_at := array_append(source_at, a_at[i]);
      target_at := array_append(target_at, b_at[i - best_k]);
    end loop;
    best_k := best_k + case when down then 1 else -1 end;
  end loop;
  source_at := array(select unnest(source_at) order by 1);
  target_at := array(select unnest(target_at) order by 1);
end;
$$;
