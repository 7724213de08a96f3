-- A JSON Pointer (RFC 6901).
--
--   tokens   names of keys, outermost first; a null is left out
--   returns  /a/b, its tokens escaped, each cut to 100 characters: a path is for finding the place,
--            not for sending the document back
create function private.pointer(variadic tokens text[]) returns text
language sql immutable
set search_path = ''
as $$
  select string_agg(
           '/' || replace(replace(left(t.token, 100), '~', '~0'), '/', '~1'), '' order by t.nth
         )
    from unnest(pointer.tokens) with ordinality as t (token, nth);
$$;
