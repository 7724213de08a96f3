-- Say in the header Access-Until of the answer when the caller's role on a composition ends, or
-- becomes a lower one, by itself: for as long the answer may be kept, and no longer.
--
--   composition_id  a composition the caller may view
--
-- Nothing is said of a role that does not end. Milliseconds since 1970, as clocks of caches count;
-- rounded down, as later would be too late.
--
-- Definer rights: as private.composition_access().
create function private.announce_end(composition_id uuid) returns void
language plpgsql stable security definer
set search_path = ''
as $$
declare
  until constant timestamptz := (
    select a.until
      from private.composition_access(announce_end.composition_id, auth.uid()) as a
  );
begin
  if until is not null then
    perform set_config(
      'response.headers',
      (
        coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb
        || jsonb_build_object('Access-Until', floor(extract(epoch from until) * 1000)::text)
      )::text,
      true
    );
  end if;
end;
$$;
