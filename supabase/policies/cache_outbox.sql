-- Who may do what to what caches must forget: nobody. Jobs call pending_invalidations() and
-- acknowledge_invalidations().

revoke all on private.cache_outbox from anon, authenticated, service_role;
