-- An operation of a JSON Patch, checked as far as that can be done without a document.
--
--   operation  any jsonb
--   index      which one it is, counted from 0
--   returns    {index, op, path, from?, value?}: private.patch_operations()
--
-- Raises
--   PT422 invalid_patch  it is no operation
create function private.patch_operation(operation jsonb, index integer) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  ops    constant text[] := '{add,remove,replace,move,copy,test}';
  op     constant text   := case jsonb_typeof(operation -> 'op')
    when 'string' then operation ->> 'op'
  end;
  parsed jsonb;
begin
  if jsonb_typeof(operation) <> 'object' then
    perform private.refuse_patch(
      'wrong_type', index, 'an operation is an object',
      'Send it as {"op": …, "path": …, …}.'
    );
  elsif op is null or op <> all (ops) then
    perform private.refuse_patch(
      'unknown_op', index, 'its op is missing or not known',
      'Name one of those allowed, in lower case, as op.',
      jsonb_build_object('allowed', ops, 'nearest', private.nearest(op, ops))
    );
  elsif op in ('add', 'replace', 'test') and not operation ? 'value' then
    perform private.refuse_patch(
      'missing_value', index, format('%s needs a value', op),
      'Send the value, which may be null.'
    );
  end if;

  parsed := jsonb_build_object(
    'index', index, 'op', op, 'path', private.patch_pointer(operation, 'path', index)
  );
  if op in ('move', 'copy') then
    parsed := parsed || jsonb_build_object('from', private.patch_pointer(operation, 'from', index));
    if op = 'move' and (operation ->> 'path') ^@ ((operation ->> 'from') || '/') then
      perform private.refuse_patch(
        'into_itself', index, 'nothing can be moved into itself',
        'Copy it, or move it to a place outside of what from names.'
      );
    end if;
  elsif op <> 'remove' then
    parsed := parsed || jsonb_build_object('value', operation -> 'value');
  end if;
  return parsed;
end;
$$;
