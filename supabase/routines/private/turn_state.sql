-- What counts when a row is compared with what it was: not when and how it came to be.
--
--   noted  a row as private.note_turn_change() takes it; null: there is none
create function private.turn_state(noted jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
  select noted - '{id,origin,created_at,updated_at}'::text[];
$$;
