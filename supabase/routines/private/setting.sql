-- The value of a setting.
--
--   name     a row of private.settings
--   returns  its value, in the unit that its description names
--
-- Definer rights: callers have no access to the settings.
create function private.setting(name text) returns bigint
language sql stable security definer
set search_path = ''
as $$
  select s.value from private.settings as s where s.name = setting.name;
$$;
