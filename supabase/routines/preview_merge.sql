-- What would become of a save that is stale: the head as it is, and both in one.
--
--   composition_id  a composition the caller may view
--   base_version    the version the edit started from
--   document        a composition document (docs/document.md); null: patch says what it would be
--   patch           what changes on base_version; null: the document says it
--   format          of the patch: 'json-patch' (RFC 6902) or 'merge-patch' (RFC 7396)
--   returns         {current, merged?, conflicts}
--
--   current    what load_composition() answers, without layers
--   merged     a valid document that has the changes of both; where conflicts say that both changed
--              the same, what the rules keep there (docs/merge.md). There is none where the two do
--              not go together, and none where base_version is gone, or never was
--   conflicts  [{path, kind, base?, head?, mine?, problems?}], as save_version() answers them
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--   PT409 patch_path_not_found   the patch names a place that base_version does not have
--   PT409 patch_test_failed      base_version is not what the patch expects
--   PT422 invalid_patch          the patch is malformed, or too large
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       base_version is null, both or none of document and patch are, or
--                                format is not known
--
-- Definer rights: callers may not call the helpers.
create function public.preview_merge(
  composition_id uuid,
  base_version   integer,
  document       jsonb default null,
  patch          jsonb default null,
  format         text default 'json-patch'
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  -- It asks for the role.
  current constant jsonb := public.load_composition(
    preview_merge.composition_id, layered => false
  );
  answer  jsonb := jsonb_build_object('conflicts', '[]'::jsonb);
  mine    jsonb := preview_merge.document;
  base    record;
  merge   record;
begin
  if base_version is null or (document is null) = (patch is null) then
    perform private.refuse_argument(
      '', case when base_version is null then 'base_version' else 'document' end
    );
  end if;

  base := private.merge_base(preview_merge.composition_id, preview_merge.base_version);
  if base.version is not null then
    if mine is null then
      mine := private.apply_patch(base.document, patch, format);
    end if;
    perform private.require_valid_document(mine);
    select m.merged, m.conflicts into merge
      from private.merge_documents(base.document, current -> 'document', mine) as m;
    answer := jsonb_build_object('conflicts', merge.conflicts);
    if merge.merged is not null then
      answer := jsonb_set(answer, '{merged}', merge.merged);
    end if;
  end if;
  -- Not ||, which would copy the documents twice.
  return jsonb_set(answer, '{current}', current);
end;
$$;
