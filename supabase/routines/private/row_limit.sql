-- Check how many rows a page may have.
--
--   row_limit  what the caller asked for
--   returns    the same number
--
-- Raises
--   PT422 invalid_argument  null, or not from 1 to 200
create function private.row_limit(row_limit integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  if row_limit.row_limit between 1 and 200 then
    return row_limit.row_limit;
  end if;
  raise exception 'row_limit is from 1 to 200, not %', row_limit.row_limit using
    errcode = 'PT422',
    detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'row_limit'),
    hint    = 'Ask for 1 to 200 rows, and for the next page with the cursor in next.';
end;
$$;
