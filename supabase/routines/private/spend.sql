-- Spend some of the budget that carrying out a patch has.
--
--   budget   steps of work that are left, about a microsecond each
--   steps    how many it takes now
--   index    which operation takes them, counted from 0
--   returns  what is left
--
-- Raises
--   PT422 invalid_patch  that is less than nothing
create function private.spend(budget integer, steps integer, index integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  if budget < steps then
    perform private.refuse_patch(
      'too_much_work', index, 'the patch takes too much work',
      'Copy less, order the operations by path, replace the part that most of them change, or save '
      'the whole document.'
    );
  end if;
  return budget - steps;
end;
$$;
