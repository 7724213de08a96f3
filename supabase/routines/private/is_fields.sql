-- Whether a value says what fields the rows of a source have.
--
--   value    any jsonb; SQL null: nothing is said
--   returns  whether it is an array of at most 200 different strings, of 1 to 200 characters each
create function private.is_fields(value jsonb) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  if jsonb_typeof(value) is distinct from 'array' or jsonb_array_length(value) > 200 then
    return false;
  end if;
  return (
    select count(*) = count(distinct f.field) filter (
             where jsonb_typeof(f.field) = 'string'
               and length(f.field #>> '{}') between 1 and 200
           )
      from jsonb_array_elements(value) as f (field)
  );
end;
$$;
