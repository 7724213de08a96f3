-- One edit of a JSON value: an operation of RFC 6902, with what stood there before.
--
--   op       'add', 'remove' or 'replace'
--   path     a JSON Pointer
--   was      what stood there; SQL null for 'add'
--   value    what stands there afterwards; SQL null for 'remove'
--   returns  {op, path, value?, was?}
create function private.json_edit(op text, path text, was jsonb, value jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return case op
    when 'add' then jsonb_build_object('op', op, 'path', path, 'value', value)
    when 'remove' then jsonb_build_object('op', op, 'path', path, 'was', was)
    else jsonb_build_object('op', op, 'path', path, 'value', value, 'was', was)
  end;
end;
$$;
