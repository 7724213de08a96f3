-- Who may do what to the secrets: nobody. An operator calls private.configure_webhook(), as
-- postgres.

revoke all on private.secrets from anon, authenticated, service_role;
