-- An object with some of its keys changed.
--
--   head     an object
--   keys     keys that end up otherwise …
--   vals     … and what they end up as; null: gone
--   returns  the object
create function private.merge_object(head jsonb, keys text[], vals jsonb[]) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if keys = '{}' then
    return head;
  end if;
  -- Not jsonb_object_agg(), whose time grows with the square of what one large value holds.
  return (
    select coalesce(
             json_object_agg(
               coalesce(c.key, h.key), case when c.key is null then h.value else c.value end
             ) filter (where c.key is null or c.value is not null)::jsonb,
             '{}'
           )
      from jsonb_each(head) as h
      full join unnest(keys, vals) as c (key, value) on c.key = h.key
  );
end;
$$;
