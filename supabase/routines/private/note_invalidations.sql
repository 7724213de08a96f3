-- Write down what caches must forget, in the transaction that changes it, and tell them at once if
-- somebody listens.
--
--   composition_ids  each once: for everybody
--   user_ids         each once: everything for a person
--
-- Definer rights: nobody may write the outbox in any other way.
create function private.note_invalidations(composition_ids uuid[], user_ids uuid[]) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  noted bigint[];
begin
  if composition_ids = '{}' and user_ids = '{}' then
    return;
  end if;

  with written as (
    insert into private.cache_outbox as o (composition_id, user_id)
    select c.id, null::uuid from unnest(composition_ids) as c (id)
    union all
    select null, u.id from unnest(user_ids) as u (id)
    returning o.id
  )
  select array_agg(w.id) into noted from written as w;

  -- Without pg_net, the row is all that a write costs.
  if to_regnamespace('net') is not null then
    perform private.poke(noted);
  end if;
end;
$$;
