-- A document with a parameter set, changed in part, or cleared.
--
--   document   a valid document
--   name       the name of the parameter
--   parameter  as set_parameter() takes it; null: it is cleared
--   returns    the document, which need not be valid, but is within the limits as far as the
--              parameter goes
--
-- Raises
--   PT422 invalid_document     the parameter breaks a limit
--   PT404 parameter_not_found  it is to be cleared, or a part of it to change, and there is none of
--                              this name: with the first twenty names, and the nearest one
create function private.with_parameter(document jsonb, name text, parameter jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  parameters constant jsonb  := coalesce(document -> 'parameters', '{}');
  names      constant text[] := array(
    select k.name from jsonb_object_keys(parameters) as k (name) order by k.name collate "C"
  );
begin
  -- What is no object is refused as a document, which says what is expected there.
  if not parameters ? name
    and (parameter is null or jsonb_typeof(parameter) = 'object' and not parameter ? 'type')
  then
    raise exception 'there is no parameter of this name' using
      errcode = 'PT404',
      detail  = jsonb_strip_nulls(jsonb_build_object(
        'code', 'parameter_not_found',
        'allowed', names[:20],
        'nearest', private.nearest(name, names)
      )),
      hint    = 'Name one that is allowed, or set a new one whole, with its type and target.';
  end if;

  if jsonb_typeof(parameter) = 'object' and not parameter ? 'type' then
    parameter := parameters -> name || parameter;
    if parameter -> 'label' = 'null' then
      parameter := parameter - 'label';
    end if;
  end if;

  document := jsonb_set(document, '{parameters}', case
    when parameter is null then parameters - name
    else parameters || jsonb_build_object(name, parameter)
  end);
  -- Before it is compared: a number may print as gigabytes.
  if private.limit_problems(parameter) <> '[]' then
    perform private.require_valid_document(document);
  end if;
  return document;
end;
$$;
