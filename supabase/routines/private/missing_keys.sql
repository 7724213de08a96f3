-- The required keys that an object lacks, but for those that only look misspelt.
--
--   value     jsonb object
--   required  keys it must have
--   allowed   keys it may have, required ones included
--   returns   keys. One is left out if a key that is not allowed looks like it, since that key is a
--             problem already. Of keys that are not allowed, the first few are looked at
create function private.missing_keys(value jsonb, required text[], allowed text[]) returns text[]
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    with wild as (
      select k.key
        from jsonb_object_keys(missing_keys.value) as k (key)
       where k.key <> all (missing_keys.allowed)
       limit 10
    )
    select array_agg(r.key)
      from unnest(missing_keys.required) as r (key)
     where not missing_keys.value ? r.key
       and not exists (
             select from wild as w
              where private.nearest(w.key, missing_keys.allowed) = r.key
           )
  );
end;
$$;
