-- An object some of whose members have other values now.
--
--   object   what it was
--   keys     some keys, none of them twice
--   members  their values, in the same order; SQL null: there is none any more
--   returns  what it is
create function private.object_of(object jsonb, keys text[], members jsonb[]) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if keys = '{}' then
    return object;
  end if;
  -- Not jsonb_object_agg(), whose time grows with the square of what one large value holds.
  return (
    select coalesce(
             json_object_agg(
               coalesce(k.key, o.key), case when k.key is null then o.value else k.value end
             ) filter (where k.key is null or k.value is not null)::jsonb,
             '{}'
           )
      from jsonb_each(object) as o
      full join unnest(keys, members) as k (key, value) on k.key = o.key
  );
end;
$$;
