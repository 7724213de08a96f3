-- One problem of a document.
--
--   code      stable, for programs
--   path      JSON Pointer (RFC 6901) to where it is, components by id; '' is the whole document
--   message   for people; it quotes nothing
--   expected  what should stand there instead, if that is one thing
--   allowed   what may stand there, if it is a choice
--   nearest   what was probably meant, if anything is close: private.nearest()
--   returns   {code, path, message, expected?, allowed?, nearest?}
create function private.problem(
  code     text,
  path     text,
  message  text,
  expected text default null,
  allowed  text[] default null,
  nearest  text default null
) returns jsonb
language sql immutable
set search_path = ''
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'code', problem.code,
    'path', problem.path,
    'message', problem.message,
    'expected', problem.expected,
    'allowed', to_jsonb(problem.allowed),
    'nearest', problem.nearest
  ));
$$;
