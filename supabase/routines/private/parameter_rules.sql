-- What the keys of a parameter must hold, and whether they do.
--
--   parameter  jsonb object
--   returns    a row for each key that a parameter of this type has; of an unknown type, type only:
--                key, is_required
--                expected  what must stand there; or
--                allowed   which of these
--                is_fine   whether it does; also where that depends on an op that is not known
create function private.parameter_rules(parameter jsonb)
returns table (key text, is_required boolean, expected text, allowed text[], is_fine boolean)
language plpgsql stable rows 7
set search_path = ''
as $$
begin
  return query
    select r.key, r.is_required,
           case when r.allowed is null then coalesce(r.expected, v.expected) end, r.allowed,
           case
             when r.allowed is not null
               then v.type = 'string' and v.value #>> '{}' = any (r.allowed)
             when r.key = 'field' then v.type = 'string' and v.value <> '""'
             when r.key = 'label' then v.type = 'string'
             when r.key = 'target' then v.type = 'array'
             when r.types = '{limit}' then
               v.value @? 'strict $ ? (@.type() == "number" && @ >= 1 && @.floor() == @)'
             when v.op = 'in' then v.type = 'array' and not exists (
               select
                 from jsonb_array_elements(case when v.type = 'array' then v.value end) as e (value)
                where jsonb_typeof(e.value) not in ('string', 'number', 'boolean')
             )
             when v.op = 'contains' then v.type = 'string'
             when v.op in ('lt', 'lte', 'gt', 'gte') then v.type in ('number', 'string')
             when v.op in ('eq', 'ne') then v.type not in ('array', 'object')
             else true
           end
      from (values
        ('{filter,sort,limit}'::text[], 'type', true, null, '{filter,sort,limit}'::text[]),
        ('{filter,sort}', 'field', true, 'the name of a field', null),
        ('{filter}', 'op', true, null, '{eq,ne,lt,lte,gt,gte,in,contains}'),
        ('{filter}', 'value', true, null, null),
        ('{sort}', 'direction', true, null, '{asc,desc}'),
        ('{limit}', 'value', true, 'a whole number from 1 on', null),
        ('{filter,sort,limit}', 'label', false, 'string', null),
        ('{filter,sort,limit}', 'target', true, 'an array of names of sources', null)
      ) as r (types, key, is_required, expected, allowed)
     cross join lateral (
             select parameter -> r.key as value, jsonb_typeof(parameter -> r.key) as type,
                    parameter ->> 'op' as op,
                    case
                      when parameter ->> 'op' = 'in' then 'an array of strings, numbers or booleans'
                      when parameter ->> 'op' = 'contains' then 'string'
                      when parameter ->> 'op' in ('eq', 'ne')
                        then 'a string, a number, true, false or null'
                      else 'a string or a number'
                    end as expected
           ) as v
     where r.key = 'type' or parameter ->> 'type' = any (r.types);
end;
$$;
