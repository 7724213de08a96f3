-- What a parameter does, in words.
--
--   parameter  its value; SQL null: there is none
--   returns    its label, or what can be made of its operator and value; 'none'
--
-- A label that is a phrase is written as one: under 10 minutes. What has capitals inside, or is
-- one word, may be a name. The label of a limit says what it counts, not how many.
create function private.parameter_phrase(parameter jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  type  constant text := parameter ->> 'type';
  label constant text := case when type is distinct from 'limit' then parameter ->> 'label' end;
  value constant text := private.value_phrase(parameter -> 'value');
begin
  if parameter is null then
    return 'none';
  elsif jsonb_typeof(parameter) <> 'object' then
    return private.value_phrase(parameter);
  elsif label ~ '\S' then
    return private.short_text(
      case
        when label ~ '^\w[^[:upper:]]* [^[:upper:]]*$'
          then lower(left(label, 1)) || substr(label, 2)
        else label
      end
    );
  elsif type = 'sort' and parameter ->> 'field' ~ '\S' then
    return private.short_text(concat_ws(
      ', ', 'by ' || (parameter ->> 'field'),
      case parameter ->> 'direction' when 'asc' then 'ascending' when 'desc' then 'descending' end
    ));
  end if;
  return concat_ws(
    ' ',
    case when type is distinct from 'limit' then
      case parameter ->> 'op'
        when 'ne' then 'not' when 'lt' then 'under' when 'lte' then 'at most' when 'gt' then 'over'
        when 'gte' then 'at least' when 'in' then 'one of' when 'contains' then 'contains'
      end
    end,
    coalesce(value, 'no value')
  );
end;
$$;
