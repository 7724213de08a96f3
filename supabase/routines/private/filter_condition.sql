-- The condition under which private.walk_page() takes a row c of user_compositions.
--
--   filter   what private.composition_filter() returns
--   returns  SQL, put together of constants alone, in which $1 is the filter; shared is not in it,
--            which private.visible_page() sees to
--
-- The content store is asked in a sub-select: a join would be planned against the order in which
-- rows are walked.
create function private.filter_condition(filter jsonb) returns text
language sql immutable
set search_path = ''
as $$
  select concat_ws(e'\n and ',
    case when (filter ->> 'trashed')::boolean
         then 'c.deleted_at is not null' else 'c.deleted_at is null' end,
    case when filter ? 'owner_id'
         then 'c.owner_id = ($1 ->> ''owner_id'')::uuid' end,
    case when filter ? 'organization_id'
         then 'c.organization_id = ($1 ->> ''organization_id'')::uuid' end,
    case when filter ? 'tag'
         then 'c.tags @> array[$1 ->> ''tag'']' end,
    case when filter ? 'search'
         then 'c.search_text like all (private.search_patterns($1 ->> ''search''))' end,
    case when filter ? 'dialect'
         then '(select d.dialect from public.compositions as d
                 where d.content_hash = c.current_hash) = $1 ->> ''dialect''' end
  );
$$;
