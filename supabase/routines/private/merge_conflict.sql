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
  return (
    select jsonb_object_agg(f.name, f.value) filter (where f.value is not null)
      from (values
        ('path', to_jsonb(coalesce(private.pointer(variadic merge_conflict.path), ''))),
        ('kind', to_jsonb(merge_conflict.kind)),
        ('base', merge_conflict.base),
        ('head', merge_conflict.head),
        ('mine', merge_conflict.mine)
      ) as f (name, value)
  );
end;
$$;
