-- The operations of a JSON Patch, all of them checked before the first is carried out.
--
--   patch    jsonb within the limits
--   returns  array of {index, op, path, from?, value?}: the pointers as arrays of tokens, each with
--            that of the root first (private.pointer_tokens()); nothing that is not needed
--
-- Raises
--   PT422 invalid_patch  it is no array, or one of them is no operation
create function private.patch_operations(patch jsonb) returns jsonb[]
language plpgsql stable
set search_path = ''
as $$
begin
  if jsonb_typeof(patch) <> 'array' then
    perform private.refuse_patch(
      'wrong_type', null, 'a JSON Patch is an array of operations',
      'Send [{"op": …, "path": …, …}], or name the format that it has: merge-patch.'
    );
  end if;

  return array(
    select private.patch_operation(o.operation, o.nth::integer - 1)
      from jsonb_array_elements(patch) with ordinality as o (operation, nth)
     order by o.nth
  );
end;
$$;
