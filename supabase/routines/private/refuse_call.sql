-- Refuse a call that is not one of a function's.
--
--   names  of all arguments of the function
--   wrong  the first one that is missing, or of another type; null: something else is
--
-- Raises
--   PT422 invalid_argument  always
create function private.refuse_call(names text[], wrong text default null) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'arguments are not those of the function' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'argument', 'arguments',
      'key', wrong,
      'allowed', to_jsonb(names)
    )),
    hint    = 'Send an object with the arguments by name, as docs/api.md has them.';
end;
$$;
