-- The compositions that undo_turn() has to change.
--
--   user_id       the caller
--   turn          the turn
--   conversation  where it was; '': in none
--   returns       a row for each composition:
--                   versions  those that the turn made; null: none
--                   required  the role that the caller needs
--                   in_trash  whether it comes out of the trash
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.turn_targets(user_id uuid, turn text, conversation text)
returns table (composition_id uuid, versions integer[], required text, in_trash boolean)
language plpgsql stable security definer rows 10
set search_path = ''
as $$
begin
  return query
    with made as (
      select v.composition_id, array_agg(v.version) as versions
        from private.turn_versions(turn_targets.user_id, turn_targets.turn) as v
       where v.conversation = turn_targets.conversation
       group by v.composition_id
    ),
    changed as (
      select c.id as composition_id, bool_or(t.kind = 'trash') as in_trash,
             bool_or(t.kind = 'upstream') as stands_elsewhere
        from private.turn_changes as t
        join public.user_compositions as c
          on c.id = coalesce(t.composition_id, (t.before ->> 'composition_id')::uuid)
       where t.user_id = turn_targets.user_id
         and t.turn = turn_targets.turn
         and t.conversation = turn_targets.conversation
         and t.undone is null
         and (t.kind <> 'trash' or c.deleted_at is not null)
         and (t.kind <> 'pin' or private.may_view(c.id, t.user_id))
       group by c.id
    )
    select c.id, m.versions,
           case
             when g.in_trash or e.oldest is not null and e.back_to is null then 'owner'
             -- Its version may be gone for its age, and what the fork stands on is still changed.
             when e.oldest is not null or g.stands_elsewhere then 'editor'
             else 'viewer'
           end,
           coalesce(g.in_trash, false)
      from made as m
      full join changed as g on g.composition_id = m.composition_id
      join public.user_compositions as c on c.id = coalesce(m.composition_id, g.composition_id)
     cross join lateral private.versions_in_effect(c.id, m.versions) as e
     where case
             -- Made in the turn, and in the trash: it is where it was to go.
             when 1 = any (m.versions) and c.deleted_at is not null then g.in_trash
             else g.composition_id is not null or e.oldest is not null
           end;
end;
$$;
