-- Say in the header Candidates-Skipped of the answer how many pins were passed over for it. Each of
-- them may come to count again without a change of a pin: what is chosen may not be kept.
--
--   skipped  0: the answer says nothing
create function private.announce_skipped(skipped integer) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if skipped > 0 then
    perform private.announce_header('Candidates-Skipped', skipped::text);
  end if;
end;
$$;
