-- A composition as answers show it, without its document.
--
--   composition  a row of user_compositions that the caller may read
--   role         the caller's role on it
--   also         object: what else the answer depends on, without being shown; null: nothing
--   returns      {composition_id, title, description, tags, owner_id, organization_id, role,
--                version, content_hash, etag, updated_at, forked_from_id, forked_from_version};
--                etag changes whenever any of the others, the document or also does
create function private.composition_summary(
  composition public.user_compositions,
  role        text,
  also        jsonb default null
) returns jsonb
language plpgsql stable
set search_path = ''
set timezone = 'UTC'  -- an etag is the same whatever zone a client likes its times in
as $$
declare
  summary constant jsonb := jsonb_build_object(
    'composition_id', composition.id,
    'title', composition.title,
    'description', composition.description,
    'tags', to_jsonb(composition.tags),
    'owner_id', composition.owner_id,
    'organization_id', composition.organization_id,
    'role', role,
    'version', composition.current_version,
    'content_hash', encode(composition.current_hash, 'hex'),
    'updated_at', composition.updated_at,
    'forked_from_id', composition.forked_from_id,
    'forked_from_version', composition.forked_from_version
  );
begin
  return summary || jsonb_build_object(
    'etag', left(encode(private.content_hash(summary || coalesce(also, '{}')), 'hex'), 32)
  );
end;
$$;
