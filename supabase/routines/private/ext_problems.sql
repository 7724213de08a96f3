-- What is wrong with the names in the ext of a document; what they hold is the host's own.
--
--   ext      jsonb object
--   returns  array of problems by path, empty when there are none
create function private.ext_problems(ext jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(private.problem(
             'unknown_key', private.pointer('ext', e.name), 'ext has no such names',
             'namespace/name, each of A-Z a-z 0-9 . _ -'
           )), '[]')
      from (
        select k.name
          from jsonb_object_keys(ext_problems.ext) as k (name)
         where k.name !~ '^[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._-]{1,64}$'
         order by k.name collate "C"
         limit 100
      ) as e
  );
end;
$$;
