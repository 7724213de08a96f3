-- What changed in the sources of a document.
--
--   source   sources by name
--   target   sources by name
--   returns  sentences, in the order of the names, empty from the 50th on
create function private.source_sentences(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select case
             when c.nth >= 50 then ''
             else concat_ws(
               ': ',
               format(
                 '%s source “%s”',
                 case c.op when 'add' then 'Added' when 'remove' then 'Removed' else 'Changed' end,
                 private.short_text(c.key)
               ),
               case c.op
                 when 'replace' then private.edit_phrases(c.was, c.value)
                 else private.short_text(coalesce(c.value, c.was) ->> 'ref')
               end
             )
           end
      from private.object_changes(source, target) with ordinality as c (op, key, was, value, nth)
     order by c.nth
  );
end;
$$;
