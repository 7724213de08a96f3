-- Add a header to the answer.
--
--   name   of the header
--   value  its value
create function private.announce_header(name text, value text) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  perform set_config(
    'response.headers',
    (
      coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb
      || jsonb_build_object(name, value)
    )::text,
    true
  );
end;
$$;
