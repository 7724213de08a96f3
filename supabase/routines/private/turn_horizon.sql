-- How far back turns can be undone: by turn_days (private.settings).
create function private.turn_horizon() returns timestamptz
language sql stable
set search_path = ''
as $$
  select now() - least(private.setting('turn_days'), 1000000) * interval '1 day';
$$;
