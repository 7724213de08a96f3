-- The member of a value that the last token of a pointer names.
--
--   parent   what stands there before the last token
--   pointer  array of tokens
--   last     how many come before the last one
--   is_new   whether it is to be added
--   index    which operation it is, counted from 0
--   returns  a key of an object, or a place in an array, where '-' is the one after the last
--
-- Raises
--   PT409 patch_path_not_found  it has no such member, or nothing can be added there
create function private.patch_token(
  parent  jsonb,
  pointer jsonb,
  last    integer,
  is_new  boolean,
  index   integer
) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  type  constant text := jsonb_typeof(parent);
  token text := pointer ->> last;
begin
  if type = 'array' then
    token := case
      when is_new and token = '-' then jsonb_array_length(parent)
      else private.array_place(token, jsonb_array_length(parent) - (not is_new)::integer)
    end;
  elsif type <> 'object' or not is_new and not parent ? token then
    token := null;
  end if;

  if token is null then
    perform private.refuse_patch_path(index, pointer, last, parent);
  end if;
  return token;
end;
$$;
