-- Refuse what was made from another version than the head.
--
--   composition   the row
--   base_version  the version that it was made from
--
-- Raises
--   PT409 version_conflict  always, with the head
create function private.refuse_stale(composition public.user_compositions, base_version integer)
returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'composition % is at version %, not %',
    composition.id, composition.current_version, base_version using
    errcode = 'PT409',
    detail  = jsonb_build_object(
      'code', 'version_conflict', 'head_version', composition.current_version
    ),
    hint    = 'Load the head, apply the change to it, and save again.';
end;
$$;
