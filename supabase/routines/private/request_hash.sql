-- What tells one request of call_once() from another. Not the SHA-256 of its text: that of a
-- hostile number may be of any length.
--
--   function   the name of a function
--   arguments  its arguments
--   returns    16 bytes
create function private.request_hash(function text, arguments jsonb) returns bytea
language plpgsql immutable
set search_path = ''
as $$
declare
  request constant jsonb := jsonb_build_array(function, arguments);
begin
  return int8send(jsonb_hash_extended(request, 0)) || int8send(jsonb_hash_extended(request, 1));
end;
$$;
