-- Where a parameter breaks its rules: private.parameter_rules().
--
--   parameter  jsonb object
--   returns    a row a fault: the key; what is expected, or allowed; and what was said instead,
--              where that may be one of those misspelt
create function private.parameter_faults(parameter jsonb)
returns table (key text, expected text, allowed text[], said text)
language plpgsql stable rows 1
set search_path = ''
as $$
begin
  return query
    with r as materialized (select * from private.parameter_rules(parameter_faults.parameter)),
    known as (
      select array_agg(r.key) as keys, array_agg(r.key) filter (where r.is_required) as required
        from r
    )
    select r.key, r.expected, r.allowed, parameter_faults.parameter ->> r.key
      from r, known
     where case
             when parameter_faults.parameter ? r.key then not r.is_fine
             when cardinality(known.keys) = 1 then true
             else r.key = any (
               private.missing_keys(parameter_faults.parameter, known.required, known.keys)
             )
           end
    union all
    select k.key, null, known.keys, k.key
      from known, jsonb_object_keys(parameter_faults.parameter) as k (key)
     where cardinality(known.keys) > 1 and k.key <> all (known.keys);
end;
$$;
