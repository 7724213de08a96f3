-- A JSON value as it is named in a sentence: a text in quotes, a number as it is, anything larger
-- by its name or its size.
--
--   value    any jsonb
--   returns  at most about 70 characters
create function private.value_phrase(value jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  type  constant text := jsonb_typeof(value);
  named text;
  size  integer;
begin
  if type = 'string' then
    return format('“%s”', private.short_text(value #>> '{}'));
  end if;

  if type = 'array' then
    size := jsonb_array_length(value);
    -- A few words or numbers are shorter than what could be said about them.
    if size between 1 and 4 and octet_length(value::text) <= 60
      and not jsonb_path_exists(value, '$[*] ? (@.type() == "object" || @.type() == "array")')
    then
      return (
        select string_agg(private.value_phrase(e.value), ', ' order by e.nth)
          from jsonb_array_elements(value) with ordinality as e (value, nth)
      );
    end if;
    return case size when 0 then 'an empty list' when 1 then '1 entry' else size || ' entries' end;
  end if;

  if type = 'object' then
    select value ->> k.key into named
      from unnest('{title,name,label,text,alias,path,call,id,type,component}'::text[])
             with ordinality as k (key, nth)
     where jsonb_typeof(value -> k.key) = 'string' and value ->> k.key <> ''
     order by k.nth
     limit 1;
    if named is not null then
      return format('“%s”', private.short_text(named));
    end if;
    size := (select count(*) from jsonb_object_keys(value));
    if size between 1 and 3 and octet_length(value::text) <= 60
      and not jsonb_path_exists(value, '$.* ? (@.type() == "object" || @.type() == "array")')
    then
      return (
        select string_agg(e.key || ' ' || private.value_phrase(e.value), ', ' order by e.key)
          from jsonb_each(value) as e
      );
    end if;
    return case size when 0 then 'an empty object' when 1 then '1 key' else size || ' keys' end;
  end if;

  return private.short_text(value::text);
end;
$$;
