-- What a parameter is called in a sentence.
--
--   key        its key in the document
--   parameter  its value
--   returns    'Duration filter', 'Payment order', or what a limit counts: 'Videos on a page'
create function private.parameter_name(key text, parameter jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  type  constant text := parameter ->> 'type';
  words constant text := translate(private.short_text(key), '_-', '  ');
  kind  constant text := case type when 'sort' then 'order' else type end;
begin
  if type = 'limit' and parameter ->> 'label' ~ '\S' then
    return private.short_text(parameter ->> 'label');
  end if;
  return upper(left(words, 1)) || substr(words, 2)
    || case
         when kind is null or words ~* ('\m(' || kind || '|' || type || ')$') then ''
         else ' ' || private.short_text(kind)
       end;
end;
$$;
