-- The value of a setting.
--
--   name     a row of private.settings
--   returns  its value, in the unit that its description names
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
--
-- Definer rights: callers have no access to the settings.
create function private.setting(name text) returns bigint
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (select s.value from private.settings as s where s.name = setting.name);
end;
$$;
