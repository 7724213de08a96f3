-- What caches must forget and have not acknowledged: for whoever keeps one, every few seconds, and
-- at once while there is more.
--
--   row_limit  1 to 1000
--   returns    [{id, composition_id, user_id, created_at, attempts}]: for everybody what is cached
--              of the composition, or for the person all that is; the other one is null
--
-- Raises
--   PT422 invalid_argument  row_limit is out of range
--
-- What was handed out comes again after 2 seconds, 4, and then every 8, until
-- acknowledge_invalidations() has its id; attempts counts. A new one is handed out 2 seconds after
-- it was written: before that, it is the webhook's. To forget twice, or in another order, does no
-- harm.
--
-- In passing it deletes what has been there for outbox_hours (private.settings).
--
-- Definer rights: jobs have no access to tables.
create function public.pending_invalidations(row_limit integer default 500) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if row_limit is null or row_limit not between 1 and 1000 then
    raise exception 'row_limit is from 1 to 1000, not %', row_limit using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'row_limit'),
      hint    = 'Take 1 to 1000 at a time.';
  end if;

  perform private.forget_invalidations();
  return (
    select coalesce(
             jsonb_agg(
               jsonb_build_object(
                 'id', o.id,
                 'composition_id', o.composition_id,
                 'user_id', o.user_id,
                 'created_at', o.created_at,
                 'attempts', o.attempts
               ) order by o.id
             ),
             '[]'
           )
      from private.claim_invalidations(pending_invalidations.row_limit) as o
  );
end;
$$;
