-- A component as it is named in a sentence.
--
--   components  components by id
--   id          one of them
--   returns     'Text “title”'; null when there is none
create function private.component_name(components jsonb, id text) returns text
language plpgsql immutable strict
set search_path = ''
as $$
begin
  if not components ? id then
    return null;
  end if;
  return concat_ws(
    ' ',
    private.short_text(coalesce(
      nullif(components -> id ->> 'component', ''), nullif(components -> id ->> 'type', ''),
      'component'
    )),
    format('“%s”', private.short_text(id))
  );
end;
$$;
