-- Save a document: on the head that it was made from, or, where others have saved since, merged
-- into what they made of it.
--
--   composition_id  a composition the caller may edit
--   base_version    the version that the edit started from
--   document        a composition document (docs/document.md)
--   kind            what the version is if it needs no merge: a value of composition_versions.kind
--   origin          how it came to be, as the caller says; null: a person made it
--   message         what changed, in words; null: nothing to say
--   on_conflict     'reject': a stale save is refused; 'merge': it is merged (docs/merge.md)
--   returns         {composition_id, version, content_hash, title, updated_at, merged?, conflicts?,
--                   conflict_version?}; merged says how a stale save went: true, version is the
--                   merge; or false, version is still the head, nothing of which changed, and the
--                   document is kept as conflict_version
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read; to be merged, but
--                                base_version is gone, or never was
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       base_version is null, the message is too long, or on_conflict or
--                                origin is not known
--
-- A merge that is flagged succeeds: a refusal would take the version with it that keeps the work.
--
-- Definer rights: callers may not lock rows or write versions.
create function private.save_document(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  kind           text,
  origin         jsonb,
  message        text,
  on_conflict    text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  facts jsonb := private.version_origin(save_document.origin);
  head  public.user_compositions;
  base  record;
  merge record;
begin
  if save_document.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;
  if save_document.on_conflict is null or save_document.on_conflict not in ('reject', 'merge') then
    raise exception 'on_conflict is not known' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'on_conflict',
        'allowed', '["reject", "merge"]'::jsonb
      ),
      hint    = 'Leave on_conflict out, or send an allowed value.';
  end if;
  -- Before the lock: nobody waits while a large document is checked.
  perform private.require_valid_document(save_document.document);

  -- Savers queue here, so the second of two sees the first one's head.
  head := private.lock_composition(save_document.composition_id, 'editor');
  if head.current_version = save_document.base_version then
    return private.write_summary((
      private.insert_version(
        head, save_document.document, save_document.kind, facts, save_document.message,
        head.current_version
      )
    ).changed);
  end if;

  base := private.merge_base(head.id, save_document.base_version);
  if save_document.on_conflict = 'reject' or base.version is null then
    perform private.refuse_stale(head, save_document.base_version);
  end if;

  select m.merged, m.conflicts into merge
    from public.compositions as d
   cross join lateral private.merge_documents(base.document, d.document, save_document.document)
      as m
   where d.content_hash = head.current_hash;

  if merge.conflicts <> '[]' then
    return private.write_summary(head) || jsonb_build_object(
      'merged', false,
      'conflicts', merge.conflicts,
      'conflict_version', private.keep_conflict(
        head, base.version, save_document.document, facts, save_document.message
      )
    );
  end if;

  return private.write_summary((
    private.insert_version(
      head, merge.merged, 'merge',
      private.version_origin(
        save_document.origin, 'merge', jsonb_build_object('base_version', base.version)
      ),
      save_document.message, head.current_version
    )
  ).changed) || '{"merged": true}';
end;
$$;
