-- Text as it fits into a sentence.
--
--   text     any text
--   longest  characters at most
--   returns  one line, cut with an ellipsis where it is too long
create function private.short_text(text text, longest integer default 60) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  line constant text := regexp_replace(left(short_text.text, 4 * longest), '\s+', ' ', 'g');
begin
  if length(line) <= longest and length(short_text.text) <= 4 * longest then
    return line;
  end if;
  return left(line, longest - 1) || '…';
end;
$$;
