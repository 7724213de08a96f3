-- A composition as answers show it after a change.
--
--   composition  a row of user_compositions that the caller may read
--   returns      {composition_id, version, content_hash, title, updated_at}
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
create function private.write_summary(composition public.user_compositions) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'composition_id', composition.id,
    'version', composition.current_version,
    'content_hash', encode(composition.current_hash, 'hex'),
    'title', composition.title,
    'updated_at', composition.updated_at
  );
end;
$$;
