-- Refuse unless a value is the one that an operation of a JSON Patch tests for. Numbers are compared
-- as numbers: 1 is 1.0.
--
--   value      what stands at its path
--   operation  a test of private.patch_operations()
--
-- Raises
--   PT409 patch_test_failed  it is another one
create function private.require_tested(value jsonb, operation jsonb) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  if value <> operation -> 'value' then
    raise exception 'operation %: the value at its path is another one', operation -> 'index' using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'patch_test_failed',
        'index', operation -> 'index',
        'path', coalesce(private.pointer(variadic array(
          select t.token
            from jsonb_array_elements_text(operation -> 'path') with ordinality as t (token, nth)
           where t.nth > 1
           order by t.nth
        )), '')
      ),
      hint    = 'Load the document again: either the test is out of date, or so is the patch.';
  end if;
end;
$$;
