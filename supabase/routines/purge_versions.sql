-- Delete versions that are kept no longer: older than version_retention_days, without a label, not
-- among the newest min_versions_kept of their composition, and no head. For a scheduled job, which
-- calls again while there is more.
--
--   row_limit  how many at most, 1 to 10000, the oldest first
--   returns    {purged: how many, more: whether another call would find more}
--
-- Raises
--   PT422 invalid_argument  row_limit is out of range
--
-- It waits for nobody: the versions of a composition that someone is changing are left for a later
-- call, whether that is a saver or another run of this one.
--
-- Definer rights: service_role has no right to any table.
create function public.purge_versions(row_limit integer default 1000) returns jsonb
language plpgsql volatile security definer
set search_path = ''
set plan_cache_mode = force_custom_plan  -- a plan for any settings took fifty times as long
as $$
declare
  -- The longest retention that can be counted back from now.
  days    constant integer := least(private.setting('version_retention_days'), 700000);
  kept    constant bigint := private.setting('min_versions_kept');
  ids     uuid[];
  numbers integer[];
  locked  uuid[];
  purged  integer;
begin
  if row_limit is null or row_limit not between 1 and 10000 then
    raise exception 'row_limit is from 1 to 10000, not %', row_limit using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'row_limit'),
      hint    = 'Purge 1 to 10000 versions at a time.';
  end if;

  select array_agg(f.composition_id), array_agg(f.version) into ids, numbers
    from (
      select v.composition_id, v.version
        from public.user_compositions as c
       cross join lateral (
         select n.version
           from public.composition_versions as n
          where n.composition_id = c.id
          order by n.version desc
         offset kept - 1
          limit 1
       ) as oldest_kept
        join public.composition_versions as v
          on v.composition_id = c.id
         and v.version < oldest_kept.version
         and v.version <> c.current_version
       where (
               c.current_version > kept
               -- The only versions that come after a head.
               or c.id in (
                    select n.composition_id
                      from public.composition_versions as n
                     where n.kind = 'conflict'
                  )
             )
         and v.label is null
         and v.created_at < now() - make_interval(days => days)
       order by v.created_at, v.composition_id, v.version
       limit row_limit + 1
    ) as f;

  -- Their order does not matter: it waits for none of them.
  locked := array(
    select c.id
      from public.user_compositions as c
     where c.id = any (ids[:row_limit])
       for no key update skip locked
  );

  -- The label once more: whoever set one held the lock.
  delete from public.composition_versions as v
   using unnest(ids[:row_limit], numbers[:row_limit]) as f (composition_id, version)
   where v.composition_id = f.composition_id
     and v.version = f.version
     and v.composition_id = any (locked)
     and v.label is null;
  get diagnostics purged = row_count;

  return jsonb_build_object(
    'purged', purged, 'more', purged > 0 and cardinality(ids) > row_limit
  );
end;
$$;
