-- What tells one request of call_once() from another: SHA-256 (FIPS 180-4) of its canonical text.
-- One that is too large, or has a number that may not be spelled out, is told by less, which costs
-- less: it is refused, so that nothing was ever done under it.
--
--   function   the name of a function
--   arguments  its arguments
--   returns    32 bytes, or 8
create function private.request_hash(function text, arguments jsonb) returns bytea
language plpgsql stable
set search_path = ''
as $$
declare
  request   constant jsonb  := jsonb_build_array(function, arguments);
  -- A document may take four times the bytes of its text (private.limit_problems()).
  max_bytes constant bigint := 5 * least(private.setting('max_document_bytes'), 1000000000000);
begin
  if pg_column_size(request) > max_bytes or private.has_wild_number(arguments) then
    return int8send(jsonb_hash_extended(request, 0));
  end if;
  return private.content_hash(request);
end;
$$;
