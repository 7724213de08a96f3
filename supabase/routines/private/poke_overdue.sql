-- Tell the webhook once more what is due, for a job that runs every few seconds within the database
-- (pg_cron): what a webhook lost is delivered again until it is acknowledged.
--
--   returns  {poked: how many rows it was told, more: whether there may be others that are due}
--
-- Without a webhook it hands nothing out, and only forgets what is too old to matter.
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
    ids := array(select o.id from private.claim_invalidations(500) as o);
  end if;
  if ids <> '{}' then
    perform private.poke(ids);
  end if;
  return jsonb_build_object('poked', cardinality(ids), 'more', cardinality(ids) = 500);
end;
$$;
