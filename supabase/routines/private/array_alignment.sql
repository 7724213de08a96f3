-- Which elements of two arrays belong together, so that one inserted at the front is one change.
--
--   source     an array
--   target     another one, of another text
--   budget     steps of work that may be spent, about a microsecond each; comes back reduced,
--              at most 0 when it was not enough
--   head       how many elements at the start are the same
--   tail       how many of the others at the end are the same
--   source_at  ascending places between head and tail, counted from 1 …
--   target_at  … and their partners in the target, ascending too
--
-- Where all elements are objects with an id of their own, equal ids are partners. Other elements
-- are when they are equal, and what remains between two such pairs is paired in order: an edit in
-- place is likelier than one out and another one in. Partners may differ.
create function private.array_alignment(
  source        jsonb,
  target        jsonb,
  inout budget  integer,
  out head      integer,
  out tail      integer,
  out source_at integer[],
  out target_at integer[]
)
language plpgsql immutable
set search_path = ''
as $$
declare
  source_end integer := jsonb_array_length(source);
  target_end integer := jsonb_array_length(target);
  by_id      boolean;
  anchors    integer[];  -- places after head of what is the same
  partners   integer[];
  i          integer;
  j          integer;
  next_i     integer;
  next_j     integer;
begin
  head := private.common_head(source, target);
  tail := private.common_tail(source, target, least(source_end, target_end) - head);
  source_end := source_end - tail;
  target_end := target_end - tail;

  budget := budget - 3 * (source_end - head + target_end - head);
  if budget <= 0 then
    return;
  end if;

  by_id := private.has_ids(source, head, source_end)
    and private.has_ids(target, head, target_end);
  select c.budget, c.source_at, c.target_at into budget, anchors, partners
    from private.common_subsequence(
           private.element_hashes(source, head, source_end, by_id),
           private.element_hashes(target, head, target_end, by_id),
           budget
         ) as c;

  source_at := '{}';
  target_at := '{}';
  i := head;
  j := head;
  for nth in 1 .. cardinality(anchors) + 1 loop
    next_i := coalesce(head + anchors[nth], source_end + 1);
    next_j := coalesce(head + partners[nth], target_end + 1);
    if not by_id then
      for step in 1 .. least(next_i - i, next_j - j) - 1 loop
        source_at := array_append(source_at, i + step);
        target_at := array_append(target_at, j + step);
      end loop;
    end if;
    if next_i <= source_end then
      source_at := array_append(source_at, next_i);
      target_at := array_append(target_at, next_j);
    end if;
    i := next_i;
    j := next_j;
  end loop;
end;
$$;
