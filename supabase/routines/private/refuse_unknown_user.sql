-- Refuse an id that is no account's.
--
--   user_id  the id
--
-- Raises
--   PT404 user_not_found  always
create function private.refuse_unknown_user(user_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'user % not found', user_id using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'user_not_found'),
    hint    = 'Check the id: it is the sub claim of that person''s token.';
end;
$$;
