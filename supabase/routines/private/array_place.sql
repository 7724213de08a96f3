-- The place in an array that a token of a JSON Pointer names.
--
--   token    any text
--   most     the last place that will do
--   returns  the place, counted from 0; null: none
create function private.array_place(token text, most integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  -- No array has a place of more digits.
  if length(token) <= 9 and token ~ '^(0|[1-9][0-9]*)$' and token::integer <= most then
    return token::integer;
  end if;
  return null;
end;
$$;
