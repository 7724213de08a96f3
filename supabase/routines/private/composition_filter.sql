-- Check a filter of list_my_compositions().
--
--   filter   what the caller sent
--   returns  the same, without the keys that select nothing: those that are null, and a blank
--            search
--
-- Raises
--   PT422 invalid_argument  no object, an unknown key, a wrong type, an id that is no UUID, a
--                           search that is too long, or an unknown dialect
create function private.composition_filter(filter jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  types    constant jsonb := '{"dialect": "string", "organization_id": "string",
    "owner_id": "string", "search": "string", "shared": "boolean", "tag": "string",
    "trashed": "boolean"}';
  dialects constant jsonb := to_jsonb(private.dialects());
  uuids    constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  keys     jsonb;
  part     record;
begin
  filter := coalesce(nullif(filter, 'null'), '{}');
  if filter = '{}' then  -- most lists are asked for without one
    return filter;
  end if;
  keys := (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(types) as k (key));
  if jsonb_typeof(filter) <> 'object' then
    perform private.refuse_filter(null, 'a filter is an object', keys);
  end if;

  for part in
    -- Only a string is spelled out: [1e131071, …] is short to send and a gigabyte to look at.
    select e.key, e.value,
           case when jsonb_typeof(e.value) = 'string' then e.value #>> '{}' end as text
      from jsonb_each(filter) as e
     order by e.key
  loop
    if not types ? part.key then
      perform private.refuse_filter(part.key, 'a filter has no such key', keys);
    elsif part.value = 'null' then
      continue;
    elsif types ->> part.key <> jsonb_typeof(part.value) then
      perform private.refuse_filter(
        part.key, 'the value is a ' || (types ->> part.key),
        case when types ->> part.key = 'boolean' then '[true, false]'::jsonb end
      );
    elsif part.key in ('owner_id', 'organization_id') and part.text !~ uuids then
      perform private.refuse_filter(part.key, 'the value is a UUID');
    elsif part.key = 'dialect' and not dialects ? part.text then
      perform private.refuse_filter(part.key, 'the dialect is not known', dialects);
    elsif part.key = 'search' and (
      length(part.text) > 200 or cardinality(private.search_patterns(part.text)) > 10
    ) then
      perform private.refuse_filter(
        part.key, 'a search has at most 200 characters and 10 words'
      );
    end if;
  end loop;

  filter := jsonb_strip_nulls(filter);
  if filter ? 'search' and private.search_patterns(filter ->> 'search') = '{}' then
    return filter - 'search';
  end if;
  return filter;
end;
$$;
