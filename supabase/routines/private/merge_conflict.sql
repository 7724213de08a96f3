-- One conflict of a merge.
--
--   path     keys that lead to it, outermost first
--   kind     'both_changed', 'delete_edit' or 'edit_delete'
--   base     what stood there before; null: nothing
--   head     what the head has there; null: nothing
--   mine     what stands there in mine; null: nothing
--   returns  {path, kind, base?, head?, mine?}
create function private.merge_conflict(
  path text[],
  kind text,
  base jsonb,
  head jsonb,
  mine jsonb
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  -- Not jsonb_object_agg(), whose time grows with the square of what one large value holds.
  return jsonb_build_object(
      'path', coalesce(private.pointer(variadic merge_conflict.path), ''),
      'kind', merge_conflict.kind
    )
    || case when base is null then '{}' else jsonb_build_object('base', base) end
    || case when head is null then '{}' else jsonb_build_object('head', head) end
    || case when mine is null then '{}' else jsonb_build_object('mine', mine) end;
end;
$$;
