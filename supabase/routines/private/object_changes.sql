-- What differs between two objects, key by key.
--
--   source   an object
--   target   another one
--   returns  a row (op, key, was, value) for every key that is added, removed or replaced, in the
--            order of the keys' bytes
create function private.object_changes(source jsonb, target jsonb)
returns table (op text, key text, was jsonb, value jsonb)
language plpgsql immutable
set search_path = ''
as $$
begin
  return query
    select case when s.key is null then 'add' when t.key is null then 'remove' else 'replace' end,
           coalesce(s.key, t.key), s.value, t.value
      from jsonb_each(source) as s
      full join jsonb_each(target) as t on t.key = s.key
     where s.key is null
        or t.key is null
        or s.value <> t.value
        or s.value::text <> t.value::text  -- 1 and 1.0
     order by coalesce(s.key, t.key) collate "C";
end;
$$;
