-- Whether a JSON value can be an argument of a type that functions of the API have. Whether its
-- text has the form of the type, the type says.
--
--   value     null: none is given
--   type      as format_type() prints it
--   optional  whether none need be given
create function private.is_of_type(value jsonb, type text, optional boolean) returns boolean
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
