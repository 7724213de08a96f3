-- Run a function that writes, at most once: a client that got no answer calls again, with the same
-- mutation_id, and gets the answer that it missed.
--
--   mutation_id  1 to 200 printable characters of ASCII that the client makes up for one thing that
--                it wants done, such as a UUID; other people's are others
--   function     the name of a function that writes
--   arguments    object with its arguments by name, each of the JSON type that it has in a call
--   returns      what the function returns
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT409 secret_not_repeated     it was done, and the token that was answered is not kept: revoke
--                                 what the ids name, and make another
--   PT422 idempotency_key_reused  something else was done under this mutation_id
--   PT422 invalid_argument        mutation_id, function or arguments are something else
--
-- What the function raises, this raises: then nothing was done, and the same mutation_id may be
-- tried again. Of two that come at once, the second waits, and gets the answer of the first.
-- Answers are known for mutation_days (private.settings); in passing, older ones are forgotten.
--
-- Definer rights: nobody may write down answers in any other way. Whatever the function is, callers
-- may call it themselves.
create function public.call_once(mutation_id text, function text, arguments jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.lock_caller();
  call   text;
  hash   bytea;
  known  private.client_mutations;
  answer jsonb;
begin
  if coalesce(mutation_id, '') !~ '^[ -~]{1,200}$' then
    raise exception 'mutation_id is 1 to 200 printable characters' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'mutation_id'),
      hint    = 'Make a UUID for each thing that is to be done, and keep it while trying.';
  end if;
  call := private.call_statement(call_once.function, call_once.arguments);
  hash := private.request_hash(call_once.function, call_once.arguments);

  loop
    -- Who does the same just now is waited for.
    insert into private.client_mutations as m (user_id, mutation_id, request_hash)
    values (caller, call_once.mutation_id, hash)
    on conflict do nothing;
    exit when found;

    select m.* into known
      from private.client_mutations as m
     where m.user_id = caller and m.mutation_id = call_once.mutation_id;
    if found then
      return private.replay(known, hash);
    end if;
  end loop;

  execute call into answer using call_once.arguments;

  update private.client_mutations as m
     set result = answer - 'token', has_secret = answer ? 'token'
   where m.user_id = caller and m.mutation_id = call_once.mutation_id;
  perform private.forget_mutations();
  return answer;
end;
$$;
