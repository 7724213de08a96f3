-- What makes a value too dangerous to look at any closer.
--
--   document       any jsonb
--   levels_around  levels of nesting that stand around it, each with a little text: a JSON Patch has
--                  two around the parts of a document
--   returns        array of problems, empty when it is within the limits
--
-- The order is the point. A few kilobytes such as [1e131071, …] print as gigabytes, so nothing may
-- turn the value into text before its numbers are known to be small; and nothing may walk it that
-- grows faster than its size. Jsonb takes at most four times the bytes of its text ([0,0,…]),
-- which bounds the work before any of it starts.
create function private.limit_problems(document jsonb, levels_around integer default 0)
returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  -- Within what can be counted with, however much an operator lets in.
  max_bytes  constant bigint := least(private.setting('max_document_bytes'), 1000000000000)
    + 100 * levels_around;
  max_depth  constant bigint := least(private.setting('max_document_depth'), 1000000)
    + levels_around;
  max_number constant bigint := private.setting('max_number');
  max_components constant bigint := private.setting('max_components');
  problems   jsonb := '[]';
begin
  if pg_column_size(document) > 4 * max_bytes then
    return jsonb_build_array(private.problem(
      'too_large', '', 'the document is too large', format('at most %s bytes of text', max_bytes)
    ));
  end if;

  if private.has_wild_number(document) then
    problems := problems || private.problem(
      'number_out_of_range', '', 'a number is too large, or too close to zero',
      format('0, or a magnitude from 1/%s to %s', max_number, max_number)
    );
  end if;

  if jsonb_path_exists(document, format('strict $.**{%s}', max_depth + 1)::jsonpath) then
    problems := problems || private.problem(
      'too_deep', '', 'the document is nested too deeply', format('at most %s levels', max_depth)
    );
  end if;

  if problems = '[]' and octet_length(document::text) > max_bytes then
    problems := problems || private.problem(
      'too_large', '', 'the document is too large', format('at most %s bytes of text', max_bytes)
    );
  end if;

  if problems = '[]' and jsonb_typeof(document -> 'components') = 'object'
     and (select count(*) from jsonb_object_keys(document -> 'components')) > max_components then
    problems := problems || private.problem(
      'too_large', '/components', 'the document has too many components',
      format('at most %s components', max_components)
    );
  end if;

  return problems;
end;
$$;
