-- What changed between two versions of a composition: for programs, and in sentences for people.
--
--   composition_id  a composition the caller may view
--   from_version    1, 2, 3 …
--   to_version      1, 2, 3 …; it may be the older one
--   returns         {patch: [{op, path, value?}], sentences: [text]}; both are empty when the
--                   documents are the same, and neither is when they are not
--
-- The patch is one of RFC 6902. Applied to the document of from_version, it makes that of
-- to_version exactly (private.json_diff()). The sentences are for reading alone
-- (private.diff_sentences()).
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       a version is null
--
-- Definer rights: callers may not call the helpers.
create function public.diff_versions(
  composition_id uuid,
  from_version   integer,
  to_version     integer
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  source jsonb;
  target jsonb;
begin
  perform private.require_composition_role(diff_versions.composition_id, 'viewer');

  if from_version is null or to_version is null then
    perform private.refuse_argument(
      '', case when from_version is null then 'from_version' else 'to_version' end
    );
  end if;

  source := public.get_version(diff_versions.composition_id, from_version) -> 'document';
  target := public.get_version(diff_versions.composition_id, to_version) -> 'document';

  return jsonb_build_object(
    'patch', private.json_diff(source, target),
    'sentences', private.diff_sentences(source, target)
  );
end;
$$;
