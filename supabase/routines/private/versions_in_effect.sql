-- Which of some versions the head of a composition stands on, and what stands on them.
--
--   composition_id  any composition
--   versions        numbers of versions of it
--   oldest          the oldest of them that the head stands on; null: on none
--   back_to         the version before that one; null: there was none
--   later           other versions that stand on it, oldest first
--
-- Each version stands on its parent. One of the kind undo stands on the version that it brought
-- back, as if nothing had been in between: so turn after turn can be undone, and so can an undo.
--
-- Raises
--   PT404 version_not_found  one that it would have to look at was deleted for its age
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.versions_in_effect(
  composition_id uuid,
  versions       integer[],
  out oldest     integer,
  out back_to    integer,
  out later      integer[]
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  first constant integer := (select min(n.version) from unnest(versions) as n (version));
  place integer := (
    select c.current_version
      from public.user_compositions as c
     where c.id = versions_in_effect.composition_id
  );
  saved public.composition_versions;
begin
  later := '{}';
  while place >= first loop
    select v.* into saved
      from public.composition_versions as v
     where v.composition_id = versions_in_effect.composition_id
       and v.version = place;
    if not found then
      perform private.refuse_version(versions_in_effect.composition_id, place);
    end if;

    if place = any (versions) then
      oldest := place;
      back_to := saved.parent_version;
      place := saved.parent_version;
    elsif saved.kind = 'undo' then
      place := (saved.origin ->> 'version')::integer;
    else
      later := place || later;
      place := saved.parent_version;
    end if;
  end loop;
end;
$$;
