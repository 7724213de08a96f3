-- Take over into a fork what was changed since in what it was made from.
--
--   fork     the row, locked by private.lock_fork()
--   keep     whether it stays as it is in the fork where both changed the same
--   made     who does it and how: private.version_origin()
--   message  what changed, in words; null: nothing to say
--   returns  {composition_id, version, content_hash, title, updated_at, upstream_id, from_version,
--            to_version, up_to_date, merged?, conflicts}
--
-- Raises
--   PT404 version_not_found  the version that both have in common was deleted for its age
--   PT409 merge_conflict     both changed the same
--   PT422 invalid_document   a limit was lowered since
--   PT422 invalid_argument   the message is too long
--
-- Definer rights: nobody may move what a fork stands on in any other way.
create function private.apply_upstream(
  fork    public.user_compositions,
  keep    boolean,
  made    jsonb,
  message text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  upstream constant public.user_compositions := private.require_upstream(fork.id);
  answer   constant jsonb := jsonb_build_object(
    'upstream_id', upstream.id,
    'from_version', fork.forked_from_version,
    'to_version', upstream.current_version
  );
  merge    record;
  saved    record;
begin
  if fork.forked_from_version = upstream.current_version then
    return private.write_summary(fork) || answer || '{"up_to_date": true, "conflicts": []}';
  end if;

  merge := private.upstream_merge(fork, upstream);
  if merge.merged is null or merge.conflicts <> '[]' and not keep then
    raise exception 'composition % and its upstream both changed the same', fork.id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'merge_conflict', 'conflicts', merge.conflicts),
      hint    = 'Send on_conflict "keep" to keep what the fork has there, or save a merge by hand.';
  end if;
  perform private.require_valid_document(merge.merged);

  update public.user_compositions as c
     set forked_from_version = upstream.current_version
   where c.id = fork.id;
  perform private.note_turn_change(
    'upstream',
    jsonb_build_object('id', fork.id, 'forked_from_version', fork.forked_from_version),
    jsonb_build_object('id', fork.id, 'forked_from_version', upstream.current_version),
    made
  );

  saved := private.insert_version(
    fork, merge.merged, 'upstream',
    made || jsonb_build_object(
      'composition_id', upstream.id, 'version', upstream.current_version
    ),
    apply_upstream.message, fork.current_version
  );
  return private.write_summary(saved.changed) || answer
    || jsonb_build_object('up_to_date', false, 'merged', true, 'conflicts', merge.conflicts);
end;
$$;
