-- Refuse a cursor that no page handed out.
--
-- Raises
--   PT422 invalid_cursor  always
create function private.refuse_cursor() returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'after is no cursor of this list' using
    errcode = 'PT422',
    detail  = jsonb_build_object('code', 'invalid_cursor', 'argument', 'after'),
    hint    = 'Send the value of next from the page before, or null for the first page.';
end;
$$;
