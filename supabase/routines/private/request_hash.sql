-- What tells one request of call_once() from another: SHA-256 (FIPS 180-4) of its canonical text.
-- One with a number that may not be spelled out has a weaker hash, and no worse: it is refused, so
-- that nothing was ever done under it.
--
--   function   the name of a function
--   arguments  its arguments
--   returns    32 bytes, or 8
create function private.request_hash(function text, arguments jsonb) returns bytea
language plpgsql stable
set search_path = ''
as $$
declare
  request constant jsonb := jsonb_build_array(function, arguments);
begin
  if private.has_wild_number(arguments) then
    return int8send(jsonb_hash_extended(request, 0));
  end if;
  return private.content_hash(request);
end;
$$;
