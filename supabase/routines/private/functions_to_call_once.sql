-- The functions that call_once() runs: all that write in the name of a person, but for itself and
-- delete_my_account(), after which nobody is left to be answered.
create function private.functions_to_call_once() returns text[]
language sql immutable
set search_path = ''
as $$
  select array[
    'accept_invitation', 'accept_share_link', 'add_organization_member', 'clear_parameter',
    'create_composition', 'create_organization', 'create_share_link', 'delete_composition',
    'fork_composition', 'invite_to_organization', 'label_version', 'leave_organization',
    'patch_composition', 'pin_composition', 'promote_layer', 'purge_composition',
    'remove_organization_member', 'reset_layer', 'restore_version', 'revoke_invitation',
    'revoke_share_link', 'save_version', 'set_layer', 'set_organization_role', 'set_parameter',
    'share_composition', 'transfer_composition', 'undelete_composition', 'undo_turn',
    'unpin_composition', 'unshare_composition', 'update_from_upstream', 'update_metadata'
  ];
$$;
