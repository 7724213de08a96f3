-- Keep a document that could not be merged, whole, as a version that is not the head.
--
--   composition   the row, locked
--   base_version  the version that the document started from
--   document      a valid document
--   origin        who made it and how: {"kind": …}
--   message       what changed, in words; null: nothing to say
--   returns       its number; what the caller kept already, the same document from the same version,
--                 is not kept twice
--
-- Raises
--   PT422 invalid_argument  the message is too long
--
-- Definer rights: nobody may write versions in any other way.
create function private.keep_conflict(
  composition  public.user_compositions,
  base_version integer,
  document     jsonb,
  origin       jsonb,
  message      text
) returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return coalesce(
    (
      select min(v.version)
        from public.composition_versions as v
       where v.composition_id = composition.id
         and v.content_hash = private.content_hash(keep_conflict.document)
         and v.parent_version = base_version
         and v.kind = 'conflict'
         and v.author_id = auth.uid()
    ),
    (
      private.insert_version(
        composition, keep_conflict.document, 'conflict', keep_conflict.origin,
        keep_conflict.message, base_version
      )
    ).version
  );
end;
$$;
