-- Get one version of a composition, with its document.
--
--   composition_id  a composition the caller may view
--   version         1, 2, 3 …
--   returns         {composition_id, version, content_hash, parent_version, kind, author_id,
--                   origin, message, created_at, label, document}; parent_version may be gone
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT410 composition_trashed    in the trash
--
-- Definer rights: as load_composition().
create function public.get_version(composition_id uuid, version integer) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found jsonb;
begin
  perform private.require_composition_role(get_version.composition_id, 'viewer');

  select jsonb_set(private.version_summary(v), '{document}', d.document)
    into found
    from public.composition_versions as v
    join public.compositions as d on d.content_hash = v.content_hash
   where v.composition_id = get_version.composition_id
     and v.version = get_version.version;

  if found is null then
    perform private.refuse_version(get_version.composition_id, get_version.version);
  end if;
  return found;
end;
$$;
