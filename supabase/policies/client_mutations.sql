-- Who may do what to what call_once() has done: nobody. It answers its caller.

revoke all on private.client_mutations from anon, authenticated, service_role;
