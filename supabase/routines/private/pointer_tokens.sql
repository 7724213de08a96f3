-- The tokens of a JSON Pointer (RFC 6901).
--
--   pointer  any text
--   returns  '' for the root, and then a token a level, unescaped; null: it is no pointer
create function private.pointer_tokens(pointer text) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  if pointer = '' then
    return array[''];
  elsif pointer !~ '^/' or pointer ~ '~([^01]|$)' then
    return null;
  elsif strpos(pointer, '~') = 0 then
    return string_to_array(pointer, '/');
  end if;
  return array(
    select replace(replace(t.token, '~1', '/'), '~0', '~')
      from unnest(string_to_array(pointer, '/')) with ordinality as t (token, nth)
     order by t.nth
  );
end;
$$;
