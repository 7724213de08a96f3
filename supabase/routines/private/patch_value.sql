-- Carry out some operations of a JSON Patch that all lead into one value.
--
--   value       what their first tokens lead to
--   operations  of private.patch_operations(), in order, one at least
--   level       how many tokens are behind
--   budget      steps of work that may be spent, about a microsecond each; comes back reduced
--   patched     the value after them
--
-- One after the other, each would make the whole value anew. So the value is taken apart once for
-- all of them, and below each member likewise; only what goes from one member to another is carried
-- out by itself.
--
-- Raises
--   PT409 patch_path_not_found, patch_test_failed, PT422 invalid_patch
create function private.patch_value(
  value        jsonb,
  operations   jsonb[],
  level        integer,
  inout budget integer,
  out patched  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  pending   jsonb[] := '{}';
  operation jsonb;
  is_apart  boolean;
begin
  patched := value;
  for nth in 1 .. cardinality(operations) + 1 loop
    operation := operations[nth];
    is_apart := operation ? 'from' and (
      operation -> 'from' ->> level <> operation -> 'path' ->> level
      or jsonb_array_length(operation -> 'from') = level + 1
      or jsonb_array_length(operation -> 'path') = level + 1
    );

    if cardinality(pending) > 0 and is_apart is distinct from false then
      if cardinality(pending) = 1 then
        select p.budget, p.patched into budget, patched
          from private.patch_once(patched, pending[1], level, budget) as p;
      elsif jsonb_typeof(patched) = 'object' then
        select p.budget, p.patched into budget, patched
          from private.patch_object(patched, pending, level, budget) as p;
      elsif jsonb_typeof(patched) = 'array' then
        select p.budget, p.patched into budget, patched
          from private.patch_array(patched, pending, level, budget) as p;
      else
        perform private.refuse_patch_path(
          (pending[1] -> 'index')::integer, pending[1] -> 'path', level, patched
        );
      end if;
      pending := '{}';
    end if;

    exit when operation is null;
    if is_apart then
      select p.budget, p.patched into budget, patched
        from private.patch_once(patched, operation, level, budget) as p;
    else
      pending := array_append(pending, operation);
    end if;
  end loop;
end;
$$;
