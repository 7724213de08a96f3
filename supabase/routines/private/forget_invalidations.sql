-- Delete what nobody took out of the outbox for so long that no cache can still hold it
-- (outbox_hours in private.settings): nobody may be listening at all.
--
-- It looks at the oldest 10,000 rows.
--
-- Definer rights: nobody may delete these rows in any other way.
create function private.forget_invalidations() returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hours constant integer := least(private.setting('outbox_hours'), 1000000);
begin
  delete from private.cache_outbox as o
   where o.id in (
           select f.id
             from private.cache_outbox as f
            where f.id in (select e.id from private.cache_outbox as e order by e.id limit 10000)
              and f.created_at < now() - hours * interval '1 hour'
              for update skip locked
         );
end;
$$;
