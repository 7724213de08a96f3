-- Check a call that somebody describes in JSON, and put it into SQL.
--
--   function   one of private.functions_to_call_once()
--   arguments  object with its arguments by name
--   returns    a statement that makes the call, and takes the arguments as its parameter
--
-- Raises
--   PT422 invalid_argument  no such function; no object; an argument that the function does not
--                           have, that is missing, or of another type, with its name as key
--
-- All names and types in the statement are the catalog's.
create function private.call_statement(function text, arguments jsonb) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  names    text[];   -- of all arguments
  types    text[];
  required integer;  -- so many of them have no default, the first ones
  given    text[];
  wrong    text;
  row_type text;
begin
  select p.proargnames[1:p.pronargs], p.pronargs - p.pronargdefaults,
         array(
           select format_type(t.oid, null)
             from unnest(p.proargtypes) with ordinality as t (oid, nth)
            order by t.nth
         )
    into names, required, types
    from pg_catalog.pg_proc as p
   where p.pronamespace = 'public'::regnamespace
     and p.proname = call_statement.function
     and p.proname = any (private.functions_to_call_once());

  if names is null then
    raise exception 'no such function is called once' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument',
        'argument', 'function',
        'allowed', to_jsonb(private.functions_to_call_once())
      ),
      hint    = 'Name a function that writes.';
  end if;

  if jsonb_typeof(arguments) is distinct from 'object'
    or exists (select from jsonb_object_keys(arguments) as k (name) where k.name <> all (names))
  then
    perform private.refuse_call(names);
  end if;

  select a.name into wrong
    from unnest(names, types) with ordinality as a (name, type, nth)
   where not private.is_of_type(arguments -> a.name, a.type, a.nth > required)
   order by a.nth
   limit 1;
  if wrong is not null then
    perform private.refuse_call(names, wrong);
  end if;

  select array_agg(format('%I', a.name) order by a.nth),
         string_agg(format('%I %s', a.name, a.type), ', ' order by a.nth)
    into given, row_type
    from unnest(names, types) with ordinality as a (name, type, nth)
   where arguments ? a.name;

  begin
    execute format('select count(r) from jsonb_to_record($1) as r (%s)', row_type)
      using arguments;
  exception
    when data_exception then
      perform private.refuse_call(names);
  end;

  return format(
    'select public.%I(%s) from jsonb_to_record($1) as r (%s)',
    function,
    (select string_agg(format('%1$s => r.%1$s', g.name), ', ') from unnest(given) as g (name)),
    row_type
  );
end;
$$;
