-- Say where the webhook goes (private.poke()), for an operator, in SQL. It is kept in the vault
-- where there is one, else in private.secrets.
--
--   url     of the webhook function, https://… or, locally, http://…; null: there is no webhook
--   secret  32 characters or more, which the function knows too; null without a url
--
-- Raises
--   PT422 invalid_argument  no such url, a secret that is too short, or one of the two alone
create function private.configure_webhook(url text, secret text) returns void
language plpgsql volatile
set search_path = ''
as $$
declare
  names constant text[] := '{compositions_webhook_url,compositions_webhook_secret}';
  found uuid;
begin
  if (url is null) <> (secret is null) or url !~ '^https?://[^[:space:]]+$' or length(secret) < 32
  then
    raise exception 'a webhook has an address and a secret of 32 characters or more' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', case
        when secret is null or length(secret) < 32 then 'secret'
        else 'url'
      end),
      hint    = 'Send both, or null for both: then there is no webhook.';
  end if;

  delete from private.secrets as s where s.name = any (names);

  if to_regclass('vault.secrets') is null then
    insert into private.secrets (name, value)
    select n.name, n.value
      from (values (names[1], url), (names[2], secret)) as n (name, value)
     where n.value is not null;
    return;
  end if;

  if url is null then
    delete from vault.secrets as s where s.name = any (names);
    return;
  end if;

  for nth in 1 .. 2 loop
    select s.id into found from vault.secrets as s where s.name = names[nth];
    if found is null then
      perform vault.create_secret((array[url, secret])[nth], names[nth]);
    else
      perform vault.update_secret(found, (array[url, secret])[nth]);
    end if;
  end loop;
end;
$$;
