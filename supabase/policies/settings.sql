-- Who may do what to the settings: nobody. An operator changes them in SQL, as postgres.

revoke all on private.settings from anon, authenticated, service_role;
