-- What differs between two arrays, element by element.
--
--   source     an array
--   target     another one
--   source_at, target_at, head, tail
--              private.array_alignment() of the two
--   returns    a row (op, key, was, value) for every element that is added, removed or replaced;
--              key is its place, counted from 0, once the rows before are done: its place in the
--              target
create function private.array_changes(
  source    jsonb,
  target    jsonb,
  source_at integer[],
  target_at integer[],
  head      integer,
  tail      integer
)
returns table (op text, key text, was jsonb, value jsonb)
language plpgsql immutable
set search_path = ''
as $$
declare
  olds constant jsonb[] := array(
    select e.value
      from jsonb_array_elements(source) with ordinality as e (value, nth)
     where e.nth > head and e.nth <= jsonb_array_length(source) - tail
     order by e.nth
  );
  news constant jsonb[] := array(
    select e.value
      from jsonb_array_elements(target) with ordinality as e (value, nth)
     where e.nth > head and e.nth <= jsonb_array_length(target) - tail
     order by e.nth
  );
  i integer := 1;  -- the next ones
  j integer := 1;
  next_i integer;
  next_j integer;
begin
  for nth in 1 .. cardinality(source_at) + 1 loop
    next_i := coalesce(source_at[nth] - head, cardinality(olds) + 1);
    next_j := coalesce(target_at[nth] - head, cardinality(news) + 1);

    op := 'remove';
    key := head + j - 1;
    value := null;
    while i < next_i loop
      was := olds[i];
      return next;
      i := i + 1;
    end loop;

    op := 'add';
    was := null;
    while j < next_j loop
      key := head + j - 1;
      value := news[j];
      return next;
      j := j + 1;
    end loop;

    if olds[i] <> news[j] or olds[i]::text <> news[j]::text then
      op := 'replace';
      key := head + j - 1;
      was := olds[i];
      value := news[j];
      return next;
    end if;
    i := i + 1;
    j := j + 1;
  end loop;
end;
$$;
