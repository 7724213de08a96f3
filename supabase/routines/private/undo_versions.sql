-- Undo what a turn saved in one composition, if nothing stands on it.
--
--   composition_id  a composition that the caller has locked
--   versions        those that the turn made
--   made            what is stored about who undoes it: private.version_origin()
--   returns         {composition: …}: as it is now; {trashed: its id}: the turn had made it;
--                   {later: {composition_id, title, versions}}: what stands on it; null: nothing
--                   was left to undo
--
-- Raises
--   PT404 version_not_found  what was there before was deleted for its age
--   PT422 invalid_document   a limit was lowered since it was saved
--
-- Definer rights: nobody may move a head in any other way.
create function private.undo_versions(composition_id uuid, versions integer[], made jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  effect record := private.versions_in_effect(undo_versions.composition_id, versions);
  before public.user_compositions;
  after  public.user_compositions;
begin
  select c.* into before
    from public.user_compositions as c
   where c.id = undo_versions.composition_id;

  if effect.oldest is null or effect.back_to is null and before.deleted_at is not null then
    return null;
  end if;

  if effect.later <> '{}' then
    return jsonb_build_object('later', jsonb_build_object(
      'composition_id', before.id,
      'title', before.title,
      'versions', effect.later[:100]
    ));
  end if;

  if effect.back_to is not null then
    return jsonb_build_object('composition', private.append_version(
      composition_id => before.id,
      base_version   => null,
      document       => public.get_version(before.id, effect.back_to) -> 'document',
      kind           => 'undo',
      origin         => made || jsonb_build_object('version', effect.back_to),
      message        => null
    ));
  end if;

  update public.user_compositions as c
     set deleted_at = clock_timestamp()
   where c.id = before.id
  returning c.* into after;
  perform private.note_turn_change(
    'trash',
    jsonb_build_object('id', before.id, 'deleted_at', before.deleted_at),
    jsonb_build_object('id', after.id, 'deleted_at', after.deleted_at),
    made
  );
  return jsonb_build_object('trashed', before.id);
end;
$$;
