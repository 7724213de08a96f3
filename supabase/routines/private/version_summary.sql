-- A version as answers show it, without its document.
--
--   version  a row of composition_versions that the caller may read
--   returns  {composition_id, version, content_hash, parent_version, kind, author_id, origin,
--            message, created_at, label}
create function private.version_summary(version public.composition_versions) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'composition_id', version.composition_id,
    'version', version.version,
    'content_hash', encode(version.content_hash, 'hex'),
    'parent_version', version.parent_version,
    'kind', version.kind,
    'author_id', version.author_id,
    'origin', version.origin,
    'message', version.message,
    'created_at', version.created_at,
    'label', version.label
  );
$$;
