-- Refuse what is no list of counts for record_usage().
--
--   entries  as sent
--
-- Raises
--   PT422 invalid_argument  no array of at most 1000, or an entry that is none, with the place of
--                           the first such one
create function private.require_usage_entries(entries jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  today constant date := now() at time zone 'UTC';
  keys  constant text[] := '{composition_id,day,hits,loads}';
  uuids constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  count constant text := '^[0-9]{1,9}$';
  -- As text: a day that no calendar has cannot be read as one.
  days  constant text[] := array(
    select to_char(today - g.age, 'YYYY-MM-DD')
      from generate_series(0, least(private.setting('usage_days'), 36500)::integer) as g (age)
  );
  place bigint;
begin
  if jsonb_typeof(entries) = 'array' and jsonb_array_length(entries) <= 1000 then
    select min(e.nth) - 1 into place
      from jsonb_array_elements(entries) with ordinality as e (entry, nth)
     where not case
       when jsonb_typeof(e.entry) <> 'object' then false
       else e.entry - keys = '{}'
        and coalesce(jsonb_typeof(e.entry -> 'composition_id') = 'string', false)
        and e.entry ->> 'composition_id' ~ uuids
        and coalesce(jsonb_typeof(e.entry -> 'loads') = 'number', false)
        and e.entry ->> 'loads' ~ count
        and coalesce(jsonb_typeof(e.entry -> 'hits') in ('number', 'null'), true)
        and coalesce(e.entry ->> 'hits' ~ count, true)
        and coalesce(jsonb_typeof(e.entry -> 'day') in ('string', 'null'), true)
        and coalesce(e.entry ->> 'day' = any (days), true)
     end;
    if place is null then
      return;
    end if;
  end if;

  raise exception 'entries are at most 1000 counts of compositions' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument', 'argument', 'entries', 'index', place
    )),
    hint    = 'Send {"composition_id", "loads", "hits"?, "day"?}: whole numbers, and a day by UTC'
              ' that is not to come and not forgotten.';
end;
$$;
