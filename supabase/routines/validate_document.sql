-- Try a document before saving it.
--
--   document  any JSON
--   returns   {valid, problems: [{code, path, message, expected?, allowed?, nearest?}]}: what a
--             save would be refused for, at most 100 problems (docs/errors.md)
--
-- Definer rights: callers may neither call private.document_problems() nor read the limits.
create function public.validate_document(document jsonb) returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select jsonb_build_object('valid', p.problems = '[]', 'problems', p.problems)
    from private.document_problems(validate_document.document) as p (problems);
$$;
