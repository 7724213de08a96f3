-- What stands at a place in a value, for an operation of a patch.
--
--   value    what the first tokens lead to
--   pointer  array of tokens
--   level    how many of them are behind
--   until    how many are to be followed
--   index    which operation it is, counted from 0
--
-- Raises
--   PT409 patch_path_not_found  nothing stands there
create function private.patch_target(
  value   jsonb,
  pointer jsonb,
  level   integer,
  until   integer,
  index   integer
) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  member jsonb;
begin
  for depth in level .. until - 1 loop
    member := case jsonb_typeof(value)
      when 'object' then value -> (pointer ->> depth)
      when 'array' then
        value -> private.array_place(pointer ->> depth, jsonb_array_length(value) - 1)
    end;
    if member is null then
      perform private.refuse_patch_path(index, pointer, depth, value);
    end if;
    value := member;
  end loop;
  return value;
end;
$$;
