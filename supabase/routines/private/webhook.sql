-- Where the webhook goes and what signs it, as private.configure_webhook() wrote it down.
--
--   url     null: there is no webhook
--   secret  that its function knows, too
--
-- Definer rights: nobody else may read the secret.
create function private.webhook(out url text, out secret text)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if to_regclass('vault.decrypted_secrets') is not null then
    select max(d.decrypted_secret) filter (where d.name = 'compositions_webhook_url'),
           max(d.decrypted_secret) filter (where d.name = 'compositions_webhook_secret')
      into url, secret
      from vault.decrypted_secrets as d
     where d.name in ('compositions_webhook_url', 'compositions_webhook_secret');
  else
    select max(s.value) filter (where s.name = 'compositions_webhook_url'),
           max(s.value) filter (where s.name = 'compositions_webhook_secret')
      into url, secret
      from private.secrets as s;
  end if;
end;
$$;
