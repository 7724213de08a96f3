-- Who may do what to the list of content to look at again: nobody. purge_trash() works it off.

revoke all on private.passed_over_content from anon, authenticated, service_role;
