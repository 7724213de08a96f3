-- Where the webhook goes and what signs it, as private.configure_webhook() wrote it down.
--
--   returns  one row; both are null where there is no webhook
--
-- Definer rights: nobody else may read the secret.
create function private.webhook() returns table (url text, secret text)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if to_regclass('vault.decrypted_secrets') is not null then
    return query
      select max(d.decrypted_secret) filter (where d.name = 'compositions_webhook_url'),
             max(d.decrypted_secret) filter (where d.name = 'compositions_webhook_secret')
        from vault.decrypted_secrets as d
       where d.name in ('compositions_webhook_url', 'compositions_webhook_secret');
  else
    return query
      select max(s.value) filter (where s.name = 'compositions_webhook_url'),
             max(s.value) filter (where s.name = 'compositions_webhook_secret')
        from private.secrets as s;
  end if;
end;
$$;
