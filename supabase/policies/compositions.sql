-- Who may do what to content: nobody. load_composition(), get_version() and get_document() hand
-- documents out with the version that a caller may read.
--
-- Not even a reader of the content may select it here: rows come back in the order in which they
-- were stored, and so tell whether somebody had stored the same content before.

revoke all on public.compositions from anon, authenticated, service_role;
