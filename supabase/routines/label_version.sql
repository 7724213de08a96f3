-- Give a version a name that people find it by; a version with a label is kept for good.
--
--   composition_id  a composition the caller may edit
--   version         1, 2, 3 …
--   label           1 to 100 characters; null: none
--   returns         {composition_id, version, content_hash, parent_version, kind, author_id,
--                   origin, message, created_at, label}
--
-- Neither updated_at nor the etag of the composition changes: its head and its metadata are the
-- same.
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       the label is too long, or blank
--
-- Definer rights: nobody may write versions in any other way.
create function public.label_version(composition_id uuid, version integer, label text)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  labelled public.composition_versions;
  broken   text;
begin
  perform private.lock_composition(label_version.composition_id, 'editor');

  update public.composition_versions as v
     set label = label_version.label
   where v.composition_id = label_version.composition_id
     and v.version = label_version.version
  returning v.* into labelled;

  if labelled.version is null then
    perform private.refuse_version(label_version.composition_id, label_version.version);
  end if;
  return private.version_summary(labelled);
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;
