-- The step of private.apply_merge_patch() that calls itself.
--
--   target   any jsonb; SQL null: there is none
--   patch    jsonb within the limits
--   returns  the changed value
--
-- Every member of both is looked at once.
create function private.merge_patched(target jsonb, patch jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if jsonb_typeof(patch) <> 'object' then
    return patch;
  end if;
  return (
    select coalesce(jsonb_object_agg(
             coalesce(t.key, p.key),
             case
               when p.key is null then t.value
               when jsonb_typeof(p.value) = 'object' then private.merge_patched(t.value, p.value)
               else p.value
             end
           ), '{}')
      from jsonb_each(case jsonb_typeof(target) when 'object' then target end) as t
      full join jsonb_each(patch) as p on p.key = t.key
     where p.value is distinct from 'null'
  );
end;
$$;
