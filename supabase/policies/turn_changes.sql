-- Who may do what to the changes of a turn: nobody. undo_turn() takes them back.

revoke all on private.turn_changes from anon, authenticated, service_role;
