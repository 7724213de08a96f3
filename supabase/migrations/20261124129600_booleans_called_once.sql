-- What call_once() runs may take true or false, and all of it is in one list.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The functions that call_once() runs: all that write in the name of a person, but for itself and
-- delete_my_account(), after which nobody is left to be answered.
create or replace function private.functions_to_call_once() returns text[]
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

-- Whether a JSON value can be an argument of a type that functions of the API have. Whether its
-- text has the form of the type, the type says.
--
--   value     null: none is given
--   type      as format_type() prints it
--   optional  whether none need be given
create or replace function private.is_of_type(value jsonb, type text, optional boolean) returns boolean
language sql immutable
set search_path = ''
as $$
  select case
    when value is null then optional
    when type = 'jsonb' or value = 'null' then true
    when type = 'integer' then jsonb_typeof(value) = 'number'
    when type = 'boolean' then jsonb_typeof(value) = 'boolean'
    when type <> 'text[]' then jsonb_typeof(value) = 'string'
    when jsonb_typeof(value) <> 'array' then false
    else not exists (
      select from jsonb_array_elements(value) as e (value)
       where jsonb_typeof(e.value) not in ('string', 'null')
    )
  end;
$$;
