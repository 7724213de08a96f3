-- Tell the webhook what caches must forget, after the commit, if pg_net is there to do it and
-- private.configure_webhook() said where. It is a nudge: it may get lost, come twice or late, and
-- what must not be lost is in the outbox.
--
--   ids  rows of the outbox, of which at most 500 are named
--
-- The body is {type: 'INSERT', schema: 'private', table: 'cache_outbox', records: [{id,
-- composition_id, user_id, created_at}], more}; more: not all are named. pg_net sends the text of
-- the jsonb, and that is what is signed, after the time: X-Webhook-Signature is v1= and
-- HMAC-SHA256(secret, X-Webhook-Timestamp || '.' || body) as hex.
--
-- This runs within the writes of people. So all errors are caught here, the one place where that is
-- right, and logged for the operator: no fault of an extension, of the vault or of a setting may
-- refuse a save. And it waits for nobody: somebody may be holding pg_net's queue.
--
-- Definer rights: callers may neither read the secret nor send requests.
create function private.poke(ids bigint[]) returns void
language plpgsql volatile security definer
set search_path = ''
set lock_timeout = '20ms'
as $$
declare
  hook record;
  body jsonb;
  sent text := extract(epoch from clock_timestamp())::bigint;
begin
  hook := private.webhook();
  if hook.url is null or hook.secret is null
    or to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is null
  then
    return;
  end if;

  body := (
    select jsonb_build_object(
             'type', 'INSERT',
             'schema', 'private',
             'table', 'cache_outbox',
             'records', jsonb_agg(
               jsonb_build_object(
                 'id', o.id,
                 'composition_id', o.composition_id,
                 'user_id', o.user_id,
                 'created_at', o.created_at
               ) order by o.id
             ),
             'more', cardinality(ids) > 500
           )
      from private.cache_outbox as o
     where o.id = any (ids[:500])
  );
  perform net.http_post(
    url     => hook.url,
    body    => body,
    params  => '{}'::jsonb,
    headers => jsonb_build_object(
      'Content-Type', 'application/json',
      'X-Webhook-Timestamp', sent,
      'X-Webhook-Signature',
        'v1=' || encode(private.hmac_sha256(hook.secret, sent || '.' || body), 'hex')
    ),
    timeout_milliseconds => 5000
  );
exception
  when others then
    raise log 'the webhook was not called: % (%)', sqlerrm, sqlstate;
end;
$$;
