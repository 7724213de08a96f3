-- An object some of whose members have other values now: see private.patch_object().
--
--   object   what it was
--   keys     some keys, none of them twice
--   members  their values, in the same order; SQL null: there is none any more
create function private.object_of(object jsonb, keys text[], members jsonb[]) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_object_agg(m.key, m.value), '{}')
      from (
        select o.key, o.value
          from jsonb_each(object) as o
          left join unnest(keys) as k (key) on k.key = o.key
         where k.key is null
        union all
        select k.key, k.value
          from unnest(keys, members) as k (key, value)
         where k.value is not null
      ) as m
  );
end;
$$;
