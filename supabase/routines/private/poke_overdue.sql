-- Tell the webhook once more what is due, for a job that runs every few seconds within the database
-- (pg_cron): what a webhook lost is delivered again until it is acknowledged.
--
--   returns  {poked: how many rows it was told, more: whether there may be others that are due}
--
-- It hands nothing out: while the webhook fails, what it is told of stays due for the sweep. Without
-- a webhook it only forgets what is too old to matter.
--
-- Definer rights: as private.poke().
create function private.poke_overdue() returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hook record   := private.webhook();
  ids  bigint[] := '{}';
begin
  perform private.forget_invalidations();
  if hook.url is not null then
    ids := array(
      select o.id
        from private.cache_outbox as o
       where o.due_at <= now()
       order by o.due_at, o.id
       limit 500
    );
  end if;
  if ids <> '{}' then
    perform private.poke(ids);
  end if;
  return jsonb_build_object('poked', cardinality(ids), 'more', cardinality(ids) = 500);
end;
$$;
