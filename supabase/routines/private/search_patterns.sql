-- What each word of a search is like, wherever it stands in a search_text.
--
--   search   what somebody typed; null: nothing
--   returns  patterns for LIKE, one a word, empty when there are none; % and _ mean themselves
create function private.search_patterns(search text) returns text[]
language sql immutable
set search_path = ''
as $$
  select array(
    select distinct '%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%'
      from regexp_split_to_table(private.fold_text(search_patterns.search), '\s+') as w (word)
     where w.word <> ''
  );
$$;
