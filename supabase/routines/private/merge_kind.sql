-- As what three values are merged part by part.
--
--   base     any jsonb, or null: it was not there, and is as empty as the others need
--   head     any jsonb, or null
--   mine     any jsonb, or null
--   returns  'object': key by key; 'id': arrays of objects that each have an id of their own;
--            'string': arrays of strings, none twice; null: not at all
create function private.merge_kind(base jsonb, head jsonb, mine jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  type  constant text := jsonb_typeof(head);
  keyed text[];
begin
  if mine is null or type <> jsonb_typeof(mine) or type <> jsonb_typeof(base) then
    return null;
  elsif type = 'object' then
    return 'object';
  elsif type = 'array' then
    keyed := array[
      private.keyed_by(coalesce(base, '[]')), private.keyed_by(head), private.keyed_by(mine)
    ];
    return case
      when 'id' = all (array_remove(keyed, 'any')) then 'id'
      when 'string' = all (array_remove(keyed, 'any')) then 'string'
    end;
  end if;
  return null;
end;
$$;
