-- Carry out some operations of a JSON Patch on the members of an object.
--
--   object      what their first tokens lead to
--   operations  of private.patch_operations(), in order; none goes from one member to another
--   level       how many tokens are behind
--   budget      steps of work that may be spent, about a microsecond each; comes back reduced
--   patched     the object after them
--
-- Raises
--   PT409 patch_path_not_found, patch_test_failed, PT422 invalid_patch
create function private.patch_object(
  object       jsonb,
  operations   jsonb[],
  level        integer,
  inout budget integer,
  out patched  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  -- The members that are touched, and which of them each operation touches.
  keys      text[];
  slots     integer[];
  members   jsonb[];
  below     jsonb[] := '{}';  -- operations that lead into one member, one after the other
  operation jsonb;
  op        text;
  slot      integer;
  element   jsonb;
begin
  budget := private.spend(
    budget, 100 + pg_column_size(object) / 50, (operations[1] -> 'index')::integer
  );
  keys := array(
    select distinct (e.operation -> 'path' ->> level) collate "C"
      from unnest(operations) as e (operation)
     order by 1
  );
  slots := array(
    select dense_rank() over (order by (e.operation -> 'path' ->> level) collate "C")
      from unnest(operations) with ordinality as e (operation, nth)
     order by e.nth
  );
  members := array(
    select object -> k.key from unnest(keys) with ordinality as k (key, nth) order by k.nth
  );

  for nth in 1 .. cardinality(operations) loop
    operation := operations[nth];
    op := operation ->> 'op';
    slot := slots[nth];
    if jsonb_array_length(operation -> 'path') > level + 1 then
      below := array_append(below, operation);
      -- Those that follow below the same member are carried out with this one.
      continue when jsonb_array_length(operations[nth + 1] -> 'path') > level + 1
        and slots[nth + 1] = slot;
      operation := below[1];
      op := 'below';
    end if;

    if members[slot] is null and op <> 'add' then
      perform private.refuse_patch_path(
        (operation -> 'index')::integer, operation -> 'path', level,
        private.object_of(object, keys, members)
      );
    end if;

    if op = 'below' then
      select p.budget, p.patched into budget, element
        from private.patch_value(members[slot], below, level + 1, budget) as p;
      members[slot] := element;
      below := '{}';
    elsif op = 'test' then
      perform private.require_tested(members[slot], operation);
    elsif op = 'remove' then
      members[slot] := null;
    else
      members[slot] := operation -> 'value';
    end if;
  end loop;

  patched := private.object_of(object, keys, members);
end;
$$;
