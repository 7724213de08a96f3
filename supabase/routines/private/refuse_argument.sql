-- Turn a broken constraint into the answer a caller can act on. The rule stands once, in the
-- table; its comment is the sentence people read.
--
--   broken    name of the check constraint, empty if it was not null
--   argument  name of the column that must not be null, empty otherwise
--
-- Raises
--   PT422 invalid_argument  always, with the constraint or the argument
create function private.refuse_argument(broken text, argument text default '') returns void
language plpgsql stable
set search_path = ''
as $$
declare
  rule text := coalesce(
    (select d.description
       from pg_catalog.pg_constraint as k
       join pg_catalog.pg_description as d
         on d.objoid = k.oid and d.classoid = 'pg_catalog.pg_constraint'::regclass
      where k.conname = refuse_argument.broken
        and k.connamespace = 'public'::regnamespace),
    refuse_argument.argument || ' must not be null.'
  );
begin
  raise exception '%', rule using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'constraint', nullif(refuse_argument.broken, ''),
      'argument', nullif(refuse_argument.argument, '')
    )),
    hint    = 'Correct the argument and call again.';
end;
$$;
