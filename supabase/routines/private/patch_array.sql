-- Carry out some operations of a JSON Patch on the elements of an array.
--
--   list        what their first tokens lead to
--   operations  of private.patch_operations(), in order; none goes from one element to another
--   level       how many tokens are behind
--   budget      steps of work that may be spent, about a microsecond each; comes back reduced
--   patched     the array after them
--
-- The elements lie on two stacks that meet where one was last added or removed. To get to another
-- place, those in between go from one to the other, so it is cheap to go through a long list in
-- either direction.
--
-- Raises
--   PT409 patch_path_not_found, patch_test_failed, PT422 invalid_patch
create function private.patch_array(
  list         jsonb,
  operations   jsonb[],
  level        integer,
  inout budget integer,
  out patched  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  head       jsonb[]  := '{}';  -- the first elements; what lies above head_count is left over
  head_count integer  := 0;
  tail       jsonb[]  := array(  -- the others, the last one first; likewise
    select e.value
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     order by e.nth desc
  );
  tail_count integer  := cardinality(tail);
  below      jsonb[]  := '{}';  -- operations that lead into one element, one after the other
  operation  jsonb;
  op         text;
  token      text;
  place      integer;
  element    jsonb;
begin
  budget := private.spend(
    budget, 100 + pg_column_size(list) / 50, (operations[1] -> 'index')::integer
  );

  for nth in 1 .. cardinality(operations) loop
    operation := operations[nth];
    op := operation ->> 'op';
    token := operation -> 'path' ->> level;
    if jsonb_array_length(operation -> 'path') > level + 1 then
      below := array_append(below, operation);
      -- Those that follow below the same element are carried out with this one.
      continue when jsonb_array_length(operations[nth + 1] -> 'path') > level + 1
        and operations[nth + 1] -> 'path' ->> level = token;
      operation := below[1];
      op := 'below';
    end if;

    place := case
      when op = 'add' and token = '-' then head_count + tail_count
      else private.array_place(token, head_count + tail_count - (op <> 'add')::integer)
    end;
    if place is null then
      perform private.refuse_patch_path(
        (operation -> 'index')::integer, operation -> 'path', level,
        private.array_of(head, head_count, tail, tail_count)
      );
    end if;

    if op in ('add', 'remove') then
      budget := private.spend(
        budget, 2 + abs(place - head_count), (operation -> 'index')::integer
      );
      while head_count < place loop
        head_count := head_count + 1;
        head[head_count] := tail[tail_count];
        tail_count := tail_count - 1;
      end loop;
      while head_count > place loop
        tail_count := tail_count + 1;
        tail[tail_count] := head[head_count];
        head_count := head_count - 1;
      end loop;
    end if;

    if op = 'add' then
      head_count := head_count + 1;
      head[head_count] := operation -> 'value';
    elsif op = 'remove' then
      tail_count := tail_count - 1;
    else
      element := case
        when place < head_count then head[place + 1]
        else tail[tail_count - (place - head_count)]
      end;
      if op = 'test' then
        perform private.require_tested(element, operation);
        continue;
      elsif op = 'replace' then
        element := operation -> 'value';
      else
        select p.budget, p.patched into budget, element
          from private.patch_value(element, below, level + 1, budget) as p;
        below := '{}';
      end if;
      if place < head_count then
        head[place + 1] := element;
      else
        tail[tail_count - (place - head_count)] := element;
      end if;
    end if;
  end loop;

  patched := private.array_of(head, head_count, tail, tail_count);
end;
$$;
