-- Refuse a version that a composition does not have.
--
--   composition_id  a composition the caller may view
--   version         the version
--
-- Raises
--   PT404 version_not_found  always
create function private.refuse_version(composition_id uuid, version integer) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'composition % has no version %', composition_id, version using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'version_not_found'),
    hint    = 'Pick one that list_versions() returns.';
end;
$$;
