-- What a turn changed, as it is now: in the form in which private.note_turn_change() takes it.
--
--   change   a row of turn_changes
--   returns  the row of its table; null: there is none
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.turn_row(change private.turn_changes) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return case change.kind
    when 'trash' then (
      select jsonb_build_object('id', c.id, 'deleted_at', c.deleted_at)
        from public.user_compositions as c
       where c.id = change.composition_id
    )
    when 'upstream' then (
      select jsonb_build_object('id', c.id, 'forked_from_version', c.forked_from_version)
        from public.user_compositions as c
       where c.id = change.composition_id
    )
  end;
end;
$$;
