-- Refuse what is no list of cached entries for current_etags().
--
--   entries  as sent
--
-- Raises
--   PT422 invalid_argument  no array of at most 500, or an entry that is none, with the place of
--                           the first such one
create function private.require_cached_entries(entries jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  keys  constant text[] := '{composition_id,user_id,layered,context,home}';
  uuids constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  place bigint;
begin
  if jsonb_typeof(entries) = 'array' and jsonb_array_length(entries) <= 500 then
    select min(e.nth) - 1 into place
      from jsonb_array_elements(entries) with ordinality as e (entry, nth)
     where not case
       when jsonb_typeof(e.entry) <> 'object' then false
       else e.entry - keys = '{}'
        and coalesce(e.entry ->> 'composition_id' ~ uuids, false)
        and coalesce(e.entry ->> 'user_id' ~ uuids, false)
        -- At most one of these, which say what was loaded.
        and (e.entry - '{composition_id,user_id}'::text[] in (
               '{}', '{"layered": false}', '{"home": true}'
             )
             or jsonb_typeof(e.entry -> 'context') = 'string'
             and not e.entry ?| '{layered,home}')
     end;
    if place is null then
      return;
    end if;
  end if;

  raise exception 'entries are at most 500 compositions, each with a person' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument', 'argument', 'entries', 'index', place
    )),
    hint    = 'Send {"composition_id", "user_id"}, both ids, with "layered": false, "context" or'
              ' "home": true if it was loaded so.';
end;
$$;
