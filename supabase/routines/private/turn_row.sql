-- What a turn changed, as it is now, in the form in which private.note_turn_change() takes it.
--
--   change   a row of turn_changes
--   returns  null: there is nothing now
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.turn_row(change private.turn_changes) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  holder constant uuid := case when change.organization_id is null then change.user_id end;
begin
  return case change.kind
    when 'layer' then (
      select to_jsonb(l)
        from public.composition_layers as l
       where l.composition_id = change.composition_id
         and l.user_id is not distinct from holder
         and l.organization_id is not distinct from change.organization_id
    )
    when 'pin' then (
      select to_jsonb(p)
        from public.composition_pins as p
       where p.context = change.context
         and p.user_id is not distinct from holder
         and p.organization_id is not distinct from change.organization_id
    )
    when 'trash' then (
      select jsonb_build_object('id', c.id, 'deleted_at', c.deleted_at)
        from public.user_compositions as c
       where c.id = change.composition_id
    )
    else (
      select jsonb_build_object('id', c.id, 'forked_from_version', c.forked_from_version)
        from public.user_compositions as c
       where c.id = change.composition_id
    )
  end;
end;
$$;
