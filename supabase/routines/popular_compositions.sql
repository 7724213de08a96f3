-- What is loaded most: what to put into a cache that has gone cold.
--
--   row_limit  1 to 200
--   days       over how many days, today's by UTC the last of them: 1 to usage_days
--              (private.settings)
--   returns    [{composition_id, loads, hits, current_version, content_hash}], the most loaded
--              first; of equals the one with the smaller id. Nothing of the trash
--
-- Raises
--   PT422 invalid_argument  row_limit or days is out of range
--
-- Definer rights: jobs have no access to tables.
create function public.popular_compositions(
  row_limit integer default 100,
  days      integer default 7
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  today constant date := now() at time zone 'UTC';
  most  constant integer := private.row_limit(popular_compositions.row_limit);
begin
  if not coalesce(days between 1 and private.setting('usage_days'), false) then
    raise exception 'there are no counts of % days', days using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'days'),
      hint    = 'Ask for 1 day to as many as the setting usage_days has.';
  end if;

  return (
    select coalesce(
             jsonb_agg(
               jsonb_build_object(
                 'composition_id', p.id,
                 'loads', p.loads,
                 'hits', p.hits,
                 'current_version', p.current_version,
                 'content_hash', encode(p.current_hash, 'hex')
               ) order by p.loads desc, p.id
             ),
             '[]'
           )
      from (
        select c.id, c.current_version, c.current_hash,
               sum(u.loads)::bigint as loads, sum(u.hits)::bigint as hits
          from public.composition_usage as u
          join public.user_compositions as c on c.id = u.composition_id
         where u.day > today - days and u.day <= today and c.deleted_at is null
         group by c.id
        having sum(u.loads) > 0
         order by sum(u.loads) desc, c.id
         limit most
      ) as p
  );
end;
$$;
