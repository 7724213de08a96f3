-- Say what caches have forgotten, so that it is not handed out again.
--
--   ids      array of at most 10000 ids, of pending_invalidations() or of a webhook
--   returns  {acknowledged}: how many there were. An id that is not there any more was acknowledged
--            before
--
-- Raises
--   PT422 invalid_argument  ids are something else, with the place of the first one; nothing is
--                           acknowledged
--
-- Definer rights: jobs have no access to tables.
create function public.acknowledge_invalidations(ids jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  place        bigint;
  acknowledged integer;
begin
  if jsonb_typeof(ids) = 'array' and jsonb_array_length(ids) <= 10000 then
    select min(e.nth) - 1 into place
      from jsonb_array_elements(ids) with ordinality as e (id, nth)
     where not case
             when jsonb_typeof(e.id) <> 'number' then false
             -- Not as text: 1e131071 is as long as it says.
             when e.id::numeric not between 0 and 999999999999999999 then false
             else scale(trim_scale(e.id::numeric)) = 0
           end;
  end if;

  if place is not null or jsonb_typeof(ids) is distinct from 'array'
    or jsonb_array_length(ids) > 10000
  then
    raise exception 'ids are at most 10000 whole numbers' using
      errcode = 'PT422',
      detail  = jsonb_strip_nulls(jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'ids', 'index', place
      )),
      hint    = 'Send the ids of what was handed out.';
  end if;

  -- In the order of ids: two who acknowledge the same do not wait for each other in a circle.
  with held as (
    select o.id
      from private.cache_outbox as o
     where o.id in (select e.id::bigint from jsonb_array_elements(ids) as e (id))
     order by o.id
       for update
  )
  delete from private.cache_outbox as o using held as h where o.id = h.id;
  get diagnostics acknowledged = row_count;
  return jsonb_build_object('acknowledged', acknowledged);
end;
$$;
