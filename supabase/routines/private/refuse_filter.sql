-- Refuse a filter of a list.
--
--   key      the key that is wrong; null: the filter is no object
--   rule     what would be right, for people
--   allowed  array of what may stand there, if it is a choice
--
-- Raises
--   PT422 invalid_argument  always, with the key
create function private.refuse_filter(key text, rule text, allowed jsonb default null) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception '%', rule using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'argument', 'filter',
      'key', left(refuse_filter.key, 200),
      'allowed', refuse_filter.allowed
    )),
    hint    = 'Correct the filter, or leave the key out.';
end;
$$;
