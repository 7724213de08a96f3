-- The person who calls, for policies: auth.uid(), which is spelled out in the plan of every
-- statement and costs something there even if no row ever asks for it. A call of this does not.
--
--   returns  the id of an account, or null: the token names nobody
create function private.my_id() returns uuid
language plpgsql stable
set search_path = ''
as $$
begin
  return auth.uid();
end;
$$;
