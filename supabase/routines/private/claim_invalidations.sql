-- Hand out what is due of what caches must forget, and hand it out again later unless it is
-- acknowledged: after 2 seconds, 4, and then every 8.
--
--   row_limit  how many at most
--   returns    rows of the outbox; what another caller is just taking is left to them
--
-- Definer rights: jobs have no access to tables.
create function private.claim_invalidations(row_limit integer) returns setof private.cache_outbox
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return query
    update private.cache_outbox as o
       set attempts = o.attempts + 1,
           due_at = clock_timestamp() + least(2 ^ (o.attempts + 1), 8) * interval '1 second'
     -- As an array: a plan may run what stands behind "in" once more, and take further rows then.
     where o.id = any (
             array(
               select d.id
                 from private.cache_outbox as d
                where d.due_at <= now()
                order by d.due_at, d.id
                limit claim_invalidations.row_limit
                  for update skip locked
             )
           )
    returning o.*;
end;
$$;
