-- The array whose elements lie on two stacks: see private.patch_array().
--
--   head, head_count  the first elements, and how many of those there count
--   tail, tail_count  the others, the last one first; likewise
create function private.array_of(
  head       jsonb[],
  head_count integer,
  tail       jsonb[],
  tail_count integer
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return to_jsonb(array(
    select e.value
      from (
        select h.nth, h.value
          from unnest(head) with ordinality as h (value, nth)
         where h.nth <= head_count
        union all
        select head_count + 1 + tail_count - t.nth, t.value
          from unnest(tail) with ordinality as t (value, nth)
         where t.nth <= tail_count
      ) as e
     order by e.nth
  ));
end;
$$;
