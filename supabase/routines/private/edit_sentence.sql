-- One edit as a sentence.
--
--   part     what was edited: a key of the document
--   edit     private.json_edit(), its path below that key
--   returns  'Changed body at /title: “a” → “b”'
create function private.edit_sentence(part text, edit jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  place constant text := private.short_text(edit ->> 'path', 100);
begin
  return case edit ->> 'op'
    when 'add' then
      format('Added to %s at %s: %s', part, place, private.value_phrase(edit -> 'value'))
    when 'remove' then
      format('Removed from %s at %s: %s', part, place, private.value_phrase(edit -> 'was'))
    else
      concat_ws(
        ': ',
        format('Changed %s at %s', part, place),
        nullif(private.change_phrase(edit -> 'was', edit -> 'value'), '')
      )
  end;
end;
$$;
