-- Carry out a JSON Patch (RFC 6902), whole or not at all.
--
--   document  any jsonb within the limits
--   patch     array of operations {op, path, from?, value?}; what else they have is ignored
--   returns   the changed document, which need not be a valid one
--
-- Raises
--   PT422 invalid_patch         it is none, breaks a limit, or takes too much work
--   PT409 patch_path_not_found  nothing is where an operation looks for something
--   PT409 patch_test_failed     something else is where an operation tests
--
-- A patch of private.json_diff() is carried out exactly, however long it is. The work is bounded
-- whatever the patch is: operations that follow each other below the same member are carried out
-- on that member alone (private.patch_value()), so it grows with the document and the patch, not
-- with their product. What jumps to and fro between large parts, or copies what it has copied, ends
-- where the budget does.
create function private.apply_json_patch(document jsonb, patch jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  operations jsonb[];
  holder     jsonb;
begin
  perform private.require_patch_in_limits(patch, levels_around => 2);
  operations := private.patch_operations(patch);
  if operations = '{}' then
    return document;
  end if;

  -- The root is a member like any other: of an object around it, by the key that all pointers
  -- begin with.
  holder := (
    private.patch_value(jsonb_build_object('', document), operations, 0, 3000000)
  ).patched;
  if not holder ? '' then
    perform private.refuse_patch(
      'removes_everything', cardinality(operations) - 1, 'the patch leaves no document',
      'Replace the document at the path "", or leave the removal out.'
    );
  end if;
  return holder -> '';
end;
$$;
