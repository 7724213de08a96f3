-- Refuse what a caller says about who made something and how.
--
--   key      the key that is wrong; null: it is no object
--   allowed  the keys that there are, or the values of the one that is wrong
--
-- Raises
--   PT422 invalid_argument  always
create function private.refuse_origin(key text default null, allowed text[] default null)
returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'origin does not say who made it and how' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'argument', 'origin',
      'key', left(refuse_origin.key, 200),
      'allowed', to_jsonb(refuse_origin.allowed)
    )),
    hint    = 'Send {"kind"?, "agent"?, "conversation"?, "turn"?}, strings of 1 to 200 characters,'
              ' or leave origin out.';
end;
$$;
