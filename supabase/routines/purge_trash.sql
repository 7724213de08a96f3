-- Purge what has been in the trash for longer than trash_days (private.settings), the oldest first,
-- and collect content that had to be passed over before. For a scheduled job, which calls again
-- while there is more.
--
--   row_limit  1 to 200 compositions
--   returns    {purged, content_collected, more}: how many compositions, how much content that had
--              been passed over, and whether a full load was done
--
-- Raises
--   PT422 invalid_argument  row_limit is out of range
--
-- In passing it deletes what caches never took out of the outbox (private.forget_invalidations()).
--
-- One run takes fewer compositions when they have long histories, and stays within the statement
-- timeout of the API. Runs at the same time share the work. What somebody holds, such as a
-- composition that is just being taken out of the trash, is left for the next run.
--
-- Definer rights: nobody may delete compositions in any other way.
create function public.purge_trash(row_limit integer default 100) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  page     constant integer := private.row_limit(purge_trash.row_limit);
  versions constant integer := 5000;
  contents constant integer := 5000;
  -- Within what a timestamp can hold, however long an operator wants to keep things.
  overdue  constant timestamptz :=
    now() - least(private.setting('trash_days'), 1000000) * '1 day'::interval;
  held     uuid[];
  due      uuid[];
  noted    bigint[];
  again    bytea[];
begin
  perform private.forget_invalidations();

  held := array(
    select c.id
      from public.user_compositions as c
     where c.deleted_at < overdue
     order by c.deleted_at
     limit page
       for update skip locked
  );
  due := array(
    select s.id
      from (
        select c.id, sum(v.newest) over (order by c.deleted_at, c.id) as total,
               row_number() over (order by c.deleted_at, c.id) as nth
          from public.user_compositions as c
         cross join lateral (
            select coalesce(max(n.version), 0) as newest
              from public.composition_versions as n
             where n.composition_id = c.id
         ) as v
         where c.id = any (held)
      ) as s
     where s.nth = 1 or s.total <= versions
  );
  delete from public.user_compositions as c where c.id = any (due);

  noted := array(
    select p.id
      from private.passed_over_content as p
     order by p.id
     limit contents
       for update skip locked
  );
  again := array(
    select p.content_hash from private.passed_over_content as p where p.id = any (noted)
  );
  delete from private.passed_over_content as p where p.id = any (noted);

  return jsonb_build_object(
    'purged', cardinality(due),
    'content_collected', private.collect_content(again),
    'more', cardinality(due) = page
            or cardinality(due) < cardinality(held)
            or cardinality(noted) = contents
  );
end;
$$;
