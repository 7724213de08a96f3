-- Undo what a turn changed about one thing beside versions, if nothing stands on it.
--
--   changes  rows of turn_changes, all of them about the same thing, oldest first
--   is_one   whether nothing else changed it in between
--   made     what is stored about who undoes it: private.version_origin()
--   returns  {composition: …}: it is out of the trash again; {later: …}: what stands on it; null:
--            nothing that answers show
--
-- Definer rights: nobody may write these rows in any other way.
create function private.undo_change(
  changes private.turn_changes[],
  is_one  boolean,
  made    jsonb
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  thing   constant private.turn_changes := changes[1];
  before  constant jsonb := private.turn_row(thing);
  piece   public.user_compositions;
  outcome jsonb;
begin
  if thing.kind = 'trash' then
    update public.user_compositions as c
       set deleted_at = null
     where c.id = thing.composition_id
       and c.deleted_at is not null
    returning c.* into piece;
    outcome := case
      when found then jsonb_build_object('composition', private.write_summary(piece))
    end;
  else
    update public.user_compositions as c
       set forked_from_version = (thing.before ->> 'forked_from_version')::integer
     where c.id = thing.composition_id;
  end if;

  update private.turn_changes as t
     set undone_at = clock_timestamp()
   where t.id in (select c.id from unnest(changes) as c);
  perform private.note_turn_change(thing.kind, before, private.turn_row(thing), made);
  return outcome;
end;
$$;
