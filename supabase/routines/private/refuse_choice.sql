-- Refuse an argument that is a choice, with what there is to choose from.
--
--   argument  its name
--   allowed   what it may be; null: it may not be given here
--
-- Raises
--   PT422 invalid_argument  always, with the argument
create function private.refuse_choice(argument text, allowed text[] default null) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception '% is not one that can be chosen here', argument using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument', 'argument', argument, 'allowed', to_jsonb(allowed)
    )),
    hint    = format('Leave %s out, or send an allowed value.', argument);
end;
$$;
