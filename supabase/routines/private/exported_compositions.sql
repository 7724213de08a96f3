-- The compositions of a person with their histories, for export_my_data().
--
--   user_id        the person, who is the caller
--   after_id       where the page before ended: a composition …
--   after_version  … and a version of it
--   row_limit      at most so many compositions
--   byte_limit     at most so many bytes of text, or one version that is larger
--   returns        {compositions, next}; next: where this page ends, or null: that was all
--
-- Definer rights: as export_my_data().
create function private.exported_compositions(
  user_id       uuid,
  after_id      uuid,
  after_version integer,
  row_limit     integer,
  byte_limit    integer
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
  saved       record;
  about       jsonb;
  item        jsonb;
  items       jsonb[] := '{}';
  versions    jsonb[];
  bytes       integer := 0;
  last_id     uuid := after_id;
  last        integer := after_version;
  is_full     boolean := false;
begin
  for composition in
    select c.*
      from public.user_compositions as c
     where c.owner_id = exported_compositions.user_id
       and (
         c.id > after_id
         or c.id = after_id and exists (
              select from public.composition_versions as v
               where v.composition_id = c.id and v.version > after_version
            )
       )
     order by c.id
     limit row_limit + 1
  loop
    is_full := cardinality(items) = row_limit;
    exit when is_full;

    about := (private.composition_summary(composition, 'owner') - '{role,etag}'::text[])
      || jsonb_build_object(
        'created_at', composition.created_at, 'deleted_at', composition.deleted_at
      );
    bytes := bytes + octet_length(about::text);
    versions := '{}';

    for saved in
      select v as version, d.document
        from public.composition_versions as v
        join public.compositions as d on d.content_hash = v.content_hash
       where v.composition_id = composition.id
         and (composition.id <> after_id or v.version > after_version)
       order by v.version
    loop
      item := jsonb_set(private.version_summary(saved.version), '{document}', saved.document);
      bytes := bytes + octet_length(item::text);
      is_full := bytes > byte_limit and cardinality(items) + cardinality(versions) > 0;
      exit when is_full;

      versions := array_append(versions, item);
      last_id := composition.id;
      last := (saved.version).version;
    end loop;

    if cardinality(versions) > 0 or not is_full then
      items := array_append(items, jsonb_set(about, '{versions}', to_jsonb(versions)));
    end if;
    exit when is_full;
    last_id := composition.id;
  end loop;

  return jsonb_build_object(
    'compositions', to_jsonb(items),
    'next', case when is_full then format('compositions_%s_%s', last_id, last) end
  );
end;
$$;
