-- What call_once() answers to what it has done before.
--
--   mutation      what was done
--   request_hash  of what is asked for now
--   returns       what was answered then
--
-- Raises
--   PT409 secret_not_repeated     the answer had a token, with the ids that it had
--   PT422 idempotency_key_reused  something else is asked for
create function private.replay(mutation private.client_mutations, request_hash bytea) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  if mutation.request_hash <> replay.request_hash then
    raise exception 'something else was done under this mutation_id' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'idempotency_key_reused'),
      hint    = 'Make a new mutation_id for each thing that is to be done.';
  end if;

  if mutation.has_secret then
    raise exception 'it was done, and its token is shown once' using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'secret_not_repeated') || (
        select jsonb_object_agg(r.key, r.value)
          from jsonb_each(mutation.result) as r
         where r.key in ('composition_id', 'link_id', 'organization_id', 'invitation_id')
      ),
      hint    = 'Revoke it by its id, and make another one.';
  end if;
  return mutation.result;
end;
$$;
