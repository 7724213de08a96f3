-- Refuse a patch that can be carried out on no document.
--
--   problem  what is wrong, stable, for programs
--   index    which operation it is, counted from 0; null: none, or all
--   message  what is wrong, for people; it quotes nothing
--   hint     what to do
--   facts    what else helps to correct it
--
-- Raises
--   PT422 invalid_patch  always
create function private.refuse_patch(
  problem text,
  index   integer,
  message text,
  hint    text,
  facts   jsonb default '{}'
) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception '%', case
    when index is null then message else format('operation %s: %s', index, message)
  end using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(
      jsonb_build_object('code', 'invalid_patch', 'problem', problem, 'index', index) || facts
    ),
    hint    = hint;
end;
$$;
