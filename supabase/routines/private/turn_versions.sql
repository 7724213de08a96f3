-- The versions that a person made in a turn, and that were a head.
--
--   user_id  the person
--   turn     as they were told
--   returns  a row for each version; conversation is '' where none was named
--
-- Definer rights: it looks past the policies, at versions that somebody may see no longer.
create function private.turn_versions(user_id uuid, turn text)
returns table (
  composition_id uuid,
  version        integer,
  conversation   text,
  created_at     timestamptz
)
language plpgsql stable security definer rows 10
set search_path = ''
as $$
begin
  return query
    select v.composition_id, v.version, coalesce(v.origin ->> 'conversation', ''), v.created_at
      from public.composition_versions as v
     where v.author_id = turn_versions.user_id
       and v.origin ? 'turn'
       and v.origin ->> 'turn' = turn_versions.turn
       and v.kind <> 'conflict';
end;
$$;
