-- Add to the counts of loads. load_composition() counts nothing itself, so that it writes nothing;
-- whoever answers loads, from a cache or not, counts and reports now and then.
--
--   entries  array of at most 1000 {composition_id, loads, hits?, day?}: how often it was loaded,
--            and how many of these loads a cache answered, each from 0 to 999999999; on which day
--            by UTC, today without one. Several may be for the same composition and day
--   returns  {recorded}: how many entries were added. The others are for compositions that are
--            gone: a report may come late
--
-- Raises
--   PT422 invalid_argument  entries are something else, or a day is to come or older than
--                           usage_days (private.settings); nothing is recorded
--
-- In passing it forgets days that are older than that, at most 2000 rows a call: twice what a call
-- adds.
--
-- Definer rights: nobody may write counts in any other way.
create function public.record_usage(entries jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  today    constant date := now() at time zone 'UTC';
  recorded integer;
begin
  perform private.require_usage_entries(record_usage.entries);

  -- Held until the end, and taken in the order of ids, as the counts are: a purge waits or is
  -- waited for, and two reports cannot wait for each other.
  perform from public.user_compositions as c
    where c.id in (
      select u.composition_id
        from jsonb_to_recordset(record_usage.entries) as u (composition_id uuid)
    )
    order by c.id
      for key share;

  with known as (
    select c.id, coalesce(u.day, today) as day, u.loads, coalesce(u.hits, 0) as hits
      from jsonb_to_recordset(record_usage.entries)
             as u (composition_id uuid, day date, loads bigint, hits bigint)
      join public.user_compositions as c on c.id = u.composition_id
  ),
  added as (
    insert into public.composition_usage as t (composition_id, day, loads, hits)
    select k.id, k.day, sum(k.loads), sum(k.hits)
      from known as k
     group by k.id, k.day
     order by k.id, k.day
        on conflict on constraint composition_usage_pkey do update
       set loads = t.loads + excluded.loads, hits = t.hits + excluded.hits
  )
  select count(*) into recorded from known as k;

  delete from public.composition_usage as t
   using (
      select o.composition_id, o.day
        from public.composition_usage as o
       where o.day < today - least(private.setting('usage_days'), 700000)::integer
       limit 2000
         for update skip locked
    ) as old
   where t.composition_id = old.composition_id and t.day = old.day;

  return jsonb_build_object('recorded', recorded);
end;
$$;
