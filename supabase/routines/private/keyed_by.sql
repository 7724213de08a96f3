-- What tells the elements of an array apart.
--
--   list     an array
--   returns  'id': all are objects with an id, a string or a number, that no other has; 'string':
--            all are strings, none twice; 'any': there are none; null: their place alone
create function private.keyed_by(list jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  case jsonb_typeof(list -> 0)
    when 'object' then
      return (
        select 'id'
          from jsonb_array_elements(list) as e (value)
        having count(*) = count(distinct e.value ->> 'id' collate "C")
                 filter (where jsonb_typeof(e.value -> 'id') in ('string', 'number'))
      );
    when 'string' then
      return (
        select 'string'
          from jsonb_array_elements(list) as e (value)
        having count(*) = count(distinct e.value #>> '{}' collate "C")
                 filter (where jsonb_typeof(e.value) = 'string')
      );
    else
      return case when list = '[]' then 'any' end;
  end case;
end;
$$;
