-- Patches: a document changed by what is to change, in the formats of RFC 6902 and RFC 7396, and
-- single parameters of one.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- They get other arguments.
drop function private.limit_problems(jsonb);

-- Carry out a JSON Patch (RFC 6902), whole or not at all.
--
--   document  any jsonb within the limits
--   patch     array of operations {op, path, from?, value?}; what else they have is ignored
--   returns   the changed document, which need not be a valid one
--
-- Raises
--   PT422 invalid_patch         it is none, breaks a limit, or takes too much work
--   PT409 patch_path_not_found  nothing is where an operation looks for something
--   PT409 patch_test_failed     something else is where an operation tests
--
-- A patch of private.json_diff() is carried out exactly, however long it is. The work is bounded
-- whatever the patch is: operations that follow each other below the same member are carried out
-- on that member alone (private.patch_value()), so it grows with the document and the patch, not
-- with their product. What jumps to and fro between large parts, or copies what it has copied, ends
-- where the budget does.
create function private.apply_json_patch(document jsonb, patch jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  operations jsonb[];
  holder     jsonb;
begin
  perform private.require_patch_in_limits(patch, levels_around => 2);
  operations := private.patch_operations(patch);
  if operations = '{}' then
    return document;
  end if;

  -- The root is a member like any other: of an object around it, by the key that all pointers
  -- begin with.
  holder := (
    private.patch_value(jsonb_build_object('', document), operations, 0, 3000000)
  ).patched;
  if not holder ? '' then
    perform private.refuse_patch(
      'removes_everything', cardinality(operations) - 1, 'the patch leaves no document',
      'Replace the document at the path "", or leave the removal out.'
    );
  end if;
  return holder -> '';
end;
$$;

-- Carry out a merge patch (RFC 7396).
--
--   target   any jsonb within the limits; SQL null: there is none
--   patch    an object: its keys are set, those that are null removed, objects merged into objects;
--            anything else takes the place of the target
--   returns  the changed value
--
-- Raises
--   PT422 invalid_patch  there is none, or it breaks a limit
create function private.apply_merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  perform private.require_patch_in_limits(patch);
  return private.merge_patched(target, patch);
end;
$$;

-- Carry out a patch in either of two formats.
--
--   document  any jsonb within the limits
--   patch     what to change
--   format    'json-patch' (RFC 6902) or 'merge-patch' (RFC 7396)
--   returns   the changed document, which need not be a valid one
--
-- Raises
--   PT422 invalid_argument  the format is not known
-- and what private.apply_json_patch() and private.apply_merge_patch() raise.
create function private.apply_patch(document jsonb, patch jsonb, format text) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  case format
    when 'json-patch' then return private.apply_json_patch(document, patch);
    when 'merge-patch' then return private.apply_merge_patch(document, patch);
    else
      raise exception 'format is not known' using
        errcode = 'PT422',
        detail  = jsonb_build_object(
          'code', 'invalid_argument', 'argument', 'format',
          'allowed', '["json-patch", "merge-patch"]'::jsonb
        ),
        hint    = 'Leave format out for operations of RFC 6902, or send an allowed value.';
  end case;
end;
$$;

-- The array whose elements lie on two stacks: see private.patch_array().
--
--   head, head_count  the first elements, and how many of those there count
--   tail, tail_count  the others, the last one first; likewise
create function private.array_of(
  head       jsonb[],
  head_count integer,
  tail       jsonb[],
  tail_count integer
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return to_jsonb(array(
    select e.value
      from (
        select h.nth, h.value
          from unnest(head) with ordinality as h (value, nth)
         where h.nth <= head_count
        union all
        select head_count + 1 + tail_count - t.nth, t.value
          from unnest(tail) with ordinality as t (value, nth)
         where t.nth <= tail_count
      ) as e
     order by e.nth
  ));
end;
$$;

-- The place in an array that a token of a JSON Pointer names.
--
--   token    any text
--   most     the last place that will do
--   returns  the place, counted from 0; null: none
create function private.array_place(token text, most integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  -- No array has a place of more digits.
  if length(token) <= 9 and token ~ '^(0|[1-9][0-9]*)$' and token::integer <= most then
    return token::integer;
  end if;
  return null;
end;
$$;

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

-- The step of private.apply_merge_patch() that calls itself.
--
--   target   any jsonb; SQL null: there is none
--   patch    jsonb within the limits
--   returns  the changed value
--
-- Every member of both is looked at once.
create function private.merge_patched(target jsonb, patch jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if jsonb_typeof(patch) <> 'object' then
    return patch;
  end if;
  return (
    select coalesce(jsonb_object_agg(
             coalesce(t.key, p.key),
             case
               when p.key is null then t.value
               when jsonb_typeof(p.value) = 'object' then private.merge_patched(t.value, p.value)
               else p.value
             end
           ), '{}')
      from jsonb_each(case jsonb_typeof(target) when 'object' then target end) as t
      full join jsonb_each(patch) as p on p.key = t.key
     where p.value is distinct from 'null'
  );
end;
$$;

-- An object some of whose members have other values now: see private.patch_object().
--
--   object   what it was
--   keys     some keys, none of them twice
--   members  their values, in the same order; SQL null: there is none any more
create function private.object_of(object jsonb, keys text[], members jsonb[]) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_object_agg(m.key, m.value), '{}')
      from (
        select o.key, o.value
          from jsonb_each(object) as o
          left join unnest(keys) as k (key) on k.key = o.key
         where k.key is null
        union all
        select k.key, k.value
          from unnest(keys, members) as k (key, value)
         where k.value is not null
      ) as m
  );
end;
$$;

-- Carry out some operations of a JSON Patch on the elements of an array.
--
--   list        what their first tokens lead to
--   operations  of private.patch_operations(), in order; none goes from one element to another
--   level       how many tokens are behind
--   budget      steps of work that may be spent, about a microsecond each; comes back reduced
--   patched     the array after them
--
-- The elements lie on two stacks that meet where one was last added or removed. To get to another
-- place, those in between go from one to the other, so it is cheap to go through a long list in
-- either direction.
--
-- Raises
--   PT409 patch_path_not_found, patch_test_failed, PT422 invalid_patch
create function private.patch_array(
  list         jsonb,
  operations   jsonb[],
  level        integer,
  inout budget integer,
  out patched  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  head       jsonb[]  := '{}';  -- the first elements; what lies above head_count is left over
  head_count integer  := 0;
  tail       jsonb[]  := array(  -- the others, the last one first; likewise
    select e.value
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     order by e.nth desc
  );
  tail_count integer  := cardinality(tail);
  below      jsonb[]  := '{}';  -- operations that lead into one element, one after the other
  operation  jsonb;
  op         text;
  token      text;
  place      integer;
  element    jsonb;
begin
  budget := private.spend(
    budget, 100 + pg_column_size(list) / 50, (operations[1] -> 'index')::integer
  );

  for nth in 1 .. cardinality(operations) loop
    operation := operations[nth];
    op := operation ->> 'op';
    token := operation -> 'path' ->> level;
    if jsonb_array_length(operation -> 'path') > level + 1 then
      below := array_append(below, operation);
      -- Those that follow below the same element are carried out with this one.
      continue when jsonb_array_length(operations[nth + 1] -> 'path') > level + 1
        and operations[nth + 1] -> 'path' ->> level = token;
      operation := below[1];
      op := 'below';
    end if;

    place := case
      when op = 'add' and token = '-' then head_count + tail_count
      else private.array_place(token, head_count + tail_count - (op <> 'add')::integer)
    end;
    if place is null then
      perform private.refuse_patch_path(
        (operation -> 'index')::integer, operation -> 'path', level,
        private.array_of(head, head_count, tail, tail_count)
      );
    end if;

    if op in ('add', 'remove') then
      budget := private.spend(
        budget, 2 + abs(place - head_count), (operation -> 'index')::integer
      );
      while head_count < place loop
        head_count := head_count + 1;
        head[head_count] := tail[tail_count];
        tail_count := tail_count - 1;
      end loop;
      while head_count > place loop
        tail_count := tail_count + 1;
        tail[tail_count] := head[head_count];
        head_count := head_count - 1;
      end loop;
    end if;

    if op = 'add' then
      head_count := head_count + 1;
      head[head_count] := operation -> 'value';
    elsif op = 'remove' then
      tail_count := tail_count - 1;
    else
      element := case
        when place < head_count then head[place + 1]
        else tail[tail_count - (place - head_count)]
      end;
      if op = 'test' then
        perform private.require_tested(element, operation);
        continue;
      elsif op = 'replace' then
        element := operation -> 'value';
      else
        select p.budget, p.patched into budget, element
          from private.patch_value(element, below, level + 1, budget) as p;
        below := '{}';
      end if;
      if place < head_count then
        head[place + 1] := element;
      else
        tail[tail_count - (place - head_count)] := element;
      end if;
    end if;
  end loop;

  patched := private.array_of(head, head_count, tail, tail_count);
end;
$$;

-- Carry out some operations of a JSON Patch on the members of an object.
--
--   object      what their first tokens lead to
--   operations  of private.patch_operations(), in order; none goes from one member to another
--   level       how many tokens are behind
--   budget      steps of work that may be spent, about a microsecond each; comes back reduced
--   patched     the object after them
--
-- Raises
--   PT409 patch_path_not_found, patch_test_failed, PT422 invalid_patch
create function private.patch_object(
  object       jsonb,
  operations   jsonb[],
  level        integer,
  inout budget integer,
  out patched  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  -- The members that are touched, and which of them each operation touches.
  keys      text[];
  slots     integer[];
  members   jsonb[];
  below     jsonb[] := '{}';  -- operations that lead into one member, one after the other
  operation jsonb;
  op        text;
  slot      integer;
  element   jsonb;
begin
  budget := private.spend(
    budget, 100 + pg_column_size(object) / 50, (operations[1] -> 'index')::integer
  );
  keys := array(
    select distinct (e.operation -> 'path' ->> level) collate "C"
      from unnest(operations) as e (operation)
     order by 1
  );
  slots := array(
    select dense_rank() over (order by (e.operation -> 'path' ->> level) collate "C")
      from unnest(operations) with ordinality as e (operation, nth)
     order by e.nth
  );
  members := array(
    select object -> k.key from unnest(keys) with ordinality as k (key, nth) order by k.nth
  );

  for nth in 1 .. cardinality(operations) loop
    operation := operations[nth];
    op := operation ->> 'op';
    slot := slots[nth];
    if jsonb_array_length(operation -> 'path') > level + 1 then
      below := array_append(below, operation);
      -- Those that follow below the same member are carried out with this one.
      continue when jsonb_array_length(operations[nth + 1] -> 'path') > level + 1
        and slots[nth + 1] = slot;
      operation := below[1];
      op := 'below';
    end if;

    if members[slot] is null and op <> 'add' then
      perform private.refuse_patch_path(
        (operation -> 'index')::integer, operation -> 'path', level,
        private.object_of(object, keys, members)
      );
    end if;

    if op = 'below' then
      select p.budget, p.patched into budget, element
        from private.patch_value(members[slot], below, level + 1, budget) as p;
      members[slot] := element;
      below := '{}';
    elsif op = 'test' then
      perform private.require_tested(members[slot], operation);
    elsif op = 'remove' then
      members[slot] := null;
    else
      members[slot] := operation -> 'value';
    end if;
  end loop;

  patched := private.object_of(object, keys, members);
end;
$$;

-- Carry out one operation of a JSON Patch.
--
--   value      what the first tokens of its pointers lead to
--   operation  one of private.patch_operations()
--   level      how many tokens are behind
--   budget     steps of work that may be spent, about a microsecond each; comes back reduced
--   patched    the value after it
--
-- Raises
--   PT409 patch_path_not_found, patch_test_failed, PT422 invalid_patch
create function private.patch_once(
  value        jsonb,
  operation    jsonb,
  level        integer,
  inout budget integer,
  out patched  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  op      text             := operation ->> 'op';
  index   constant integer := (operation -> 'index')::integer;
  pointer constant jsonb   := operation -> 'path';
  last    constant integer := jsonb_array_length(pointer) - 1;
  content jsonb            := operation -> 'value';
  parent  jsonb;
  token   text;
  path    text[];
begin
  patched := value;
  if op in ('copy', 'move') then
    content := private.patch_target(
      patched, operation -> 'from', level, jsonb_array_length(operation -> 'from'), index
    );
    if op = 'move' then
      select p.budget, p.patched into budget, patched
        from private.patch_once(
               patched,
               jsonb_build_object('op', 'remove', 'index', index, 'path', operation -> 'from'),
               level, budget
             ) as p;
    end if;
    -- What is copied may be copied again: it doubles a few times, not often.
    budget := budget - pg_column_size(content) / case op when 'copy' then 4 else 100 end;
    op := 'add';
  end if;
  budget := private.spend(budget, 20 + pg_column_size(patched) / 100, index);

  parent := private.patch_target(patched, pointer, level, last, index);
  token := private.patch_token(parent, pointer, last, op = 'add', index);
  path := array(
    select t.token
      from jsonb_array_elements_text(pointer) with ordinality as t (token, nth)
     where t.nth > level and t.nth <= last
     order by t.nth
  ) || token;

  if op = 'test' then
    perform private.require_tested(patched #> path, operation);
  elsif op = 'remove' then
    patched := patched #- path;
  elsif op = 'add' and jsonb_typeof(parent) = 'array' then
    patched := jsonb_insert(patched, path, content);
  else
    patched := jsonb_set(patched, path, content);
  end if;
end;
$$;

-- An operation of a JSON Patch, checked as far as that can be done without a document.
--
--   operation  any jsonb
--   index      which one it is, counted from 0
--   returns    {index, op, path, from?, value?}: private.patch_operations()
--
-- Raises
--   PT422 invalid_patch  it is no operation
create function private.patch_operation(operation jsonb, index integer) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  ops    constant text[] := '{add,remove,replace,move,copy,test}';
  op     constant text   := case jsonb_typeof(operation -> 'op')
    when 'string' then operation ->> 'op'
  end;
  parsed jsonb;
begin
  if jsonb_typeof(operation) <> 'object' then
    perform private.refuse_patch(
      'wrong_type', index, 'an operation is an object',
      'Send it as {"op": …, "path": …, …}.'
    );
  elsif op is null or op <> all (ops) then
    perform private.refuse_patch(
      'unknown_op', index, 'its op is missing or not known',
      'Name one of those allowed, in lower case, as op.',
      jsonb_build_object('allowed', ops, 'nearest', private.nearest(op, ops))
    );
  elsif op in ('add', 'replace', 'test') and not operation ? 'value' then
    perform private.refuse_patch(
      'missing_value', index, format('%s needs a value', op),
      'Send the value, which may be null.'
    );
  end if;

  parsed := jsonb_build_object(
    'index', index, 'op', op, 'path', private.patch_pointer(operation, 'path', index)
  );
  if op in ('move', 'copy') then
    parsed := parsed || jsonb_build_object('from', private.patch_pointer(operation, 'from', index));
    if op = 'move' and (operation ->> 'path') ^@ ((operation ->> 'from') || '/') then
      perform private.refuse_patch(
        'into_itself', index, 'nothing can be moved into itself',
        'Copy it, or move it to a place outside of what from names.'
      );
    end if;
  elsif op <> 'remove' then
    parsed := parsed || jsonb_build_object('value', operation -> 'value');
  end if;
  return parsed;
end;
$$;

-- The operations of a JSON Patch, all of them checked before the first is carried out.
--
--   patch    jsonb within the limits
--   returns  array of {index, op, path, from?, value?}: the pointers as arrays of tokens, each with
--            that of the root first (private.pointer_tokens()); nothing that is not needed
--
-- Raises
--   PT422 invalid_patch  it is no array, or one of them is no operation
create function private.patch_operations(patch jsonb) returns jsonb[]
language plpgsql stable
set search_path = ''
as $$
begin
  if jsonb_typeof(patch) <> 'array' then
    perform private.refuse_patch(
      'wrong_type', null, 'a JSON Patch is an array of operations',
      'Send [{"op": …, "path": …, …}], or name the format that it has: merge-patch.'
    );
  end if;

  return array(
    select private.patch_operation(o.operation, o.nth::integer - 1)
      from jsonb_array_elements(patch) with ordinality as o (operation, nth)
     order by o.nth
  );
end;
$$;

-- A pointer of an operation of a JSON Patch.
--
--   operation  an object
--   key        'path' or 'from'
--   index      which one it is, counted from 0
--   returns    array of its tokens, with that of the root first (private.pointer_tokens())
--
-- Raises
--   PT422 invalid_patch  it is missing, no pointer, or deeper than a document may be
create function private.patch_pointer(operation jsonb, key text, index integer) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  tokens text[];
begin
  if not operation ? key then
    perform private.refuse_patch(
      'missing_' || key, index, format('it needs a %s', key),
      format('Send a JSON Pointer as %s: "" is the whole document, "/a/0" a part of it.', key)
    );
  elsif jsonb_typeof(operation -> key) = 'string' then
    tokens := private.pointer_tokens(operation ->> key);
  end if;

  if tokens is null then
    perform private.refuse_patch(
      'bad_' || key, index, format('its %s is no JSON Pointer', key),
      'A pointer is "" or begins with "/"; in a key, "~" is written "~0" and "/" is written "~1".'
    );
  elsif cardinality(tokens) - 1 > private.setting('max_document_depth') then
    perform private.refuse_patch(
      'too_deep', index, format('its %s leads deeper than a document may be', key),
      'Stay within the levels that are expected.',
      jsonb_build_object(
        'expected', format('at most %s levels', private.setting('max_document_depth'))
      )
    );
  end if;
  return to_jsonb(tokens);
end;
$$;

-- What stands at a place in a value, for an operation of a patch.
--
--   value    what the first tokens lead to
--   pointer  array of tokens
--   level    how many of them are behind
--   until    how many are to be followed
--   index    which operation it is, counted from 0
--
-- Raises
--   PT409 patch_path_not_found  nothing stands there
create function private.patch_target(
  value   jsonb,
  pointer jsonb,
  level   integer,
  until   integer,
  index   integer
) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  member jsonb;
begin
  for depth in level .. until - 1 loop
    member := case jsonb_typeof(value)
      when 'object' then value -> (pointer ->> depth)
      when 'array' then
        value -> private.array_place(pointer ->> depth, jsonb_array_length(value) - 1)
    end;
    if member is null then
      perform private.refuse_patch_path(index, pointer, depth, value);
    end if;
    value := member;
  end loop;
  return value;
end;
$$;

-- The member of a value that the last token of a pointer names.
--
--   parent   what stands there before the last token
--   pointer  array of tokens
--   last     how many come before the last one
--   is_new   whether it is to be added
--   index    which operation it is, counted from 0
--   returns  a key of an object, or a place in an array, where '-' is the one after the last
--
-- Raises
--   PT409 patch_path_not_found  it has no such member, or nothing can be added there
create function private.patch_token(
  parent  jsonb,
  pointer jsonb,
  last    integer,
  is_new  boolean,
  index   integer
) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  type  constant text := jsonb_typeof(parent);
  token text := pointer ->> last;
begin
  if type = 'array' then
    token := case
      when is_new and token = '-' then jsonb_array_length(parent)
      else private.array_place(token, jsonb_array_length(parent) - (not is_new)::integer)
    end;
  elsif type <> 'object' or not is_new and not parent ? token then
    token := null;
  end if;

  if token is null then
    perform private.refuse_patch_path(index, pointer, last, parent);
  end if;
  return token;
end;
$$;

-- Carry out some operations of a JSON Patch that all lead into one value.
--
--   value       what their first tokens lead to
--   operations  of private.patch_operations(), in order, one at least
--   level       how many tokens are behind
--   budget      steps of work that may be spent, about a microsecond each; comes back reduced
--   patched     the value after them
--
-- One after the other, each would make the whole value anew. So the value is taken apart once for
-- all of them, and below each member likewise; only what goes from one member to another is carried
-- out by itself.
--
-- Raises
--   PT409 patch_path_not_found, patch_test_failed, PT422 invalid_patch
create function private.patch_value(
  value        jsonb,
  operations   jsonb[],
  level        integer,
  inout budget integer,
  out patched  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  pending   jsonb[] := '{}';
  operation jsonb;
  is_apart  boolean;
begin
  patched := value;
  for nth in 1 .. cardinality(operations) + 1 loop
    operation := operations[nth];
    is_apart := operation ? 'from' and (
      operation -> 'from' ->> level <> operation -> 'path' ->> level
      or jsonb_array_length(operation -> 'from') = level + 1
      or jsonb_array_length(operation -> 'path') = level + 1
    );

    if cardinality(pending) > 0 and is_apart is distinct from false then
      if cardinality(pending) = 1 then
        select p.budget, p.patched into budget, patched
          from private.patch_once(patched, pending[1], level, budget) as p;
      elsif jsonb_typeof(patched) = 'object' then
        select p.budget, p.patched into budget, patched
          from private.patch_object(patched, pending, level, budget) as p;
      elsif jsonb_typeof(patched) = 'array' then
        select p.budget, p.patched into budget, patched
          from private.patch_array(patched, pending, level, budget) as p;
      else
        perform private.refuse_patch_path(
          (pending[1] -> 'index')::integer, pending[1] -> 'path', level, patched
        );
      end if;
      pending := '{}';
    end if;

    exit when operation is null;
    if is_apart then
      select p.budget, p.patched into budget, patched
        from private.patch_once(patched, operation, level, budget) as p;
    else
      pending := array_append(pending, operation);
    end if;
  end loop;
end;
$$;

-- The tokens of a JSON Pointer (RFC 6901).
--
--   pointer  any text
--   returns  '' for the root, and then a token a level, unescaped; null: it is no pointer
create function private.pointer_tokens(pointer text) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  if pointer = '' then
    return array[''];
  elsif pointer !~ '^/' or pointer ~ '~([^01]|$)' then
    return null;
  elsif strpos(pointer, '~') = 0 then
    return string_to_array(pointer, '/');
  end if;
  return array(
    select replace(replace(t.token, '~1', '/'), '~0', '~')
      from unnest(string_to_array(pointer, '/')) with ordinality as t (token, nth)
     order by t.nth
  );
end;
$$;

-- Refuse a patch that can be carried out on no document.
--
--   problem  what is wrong, stable, for programs
--   index    which operation it is, counted from 0; null: none, or all
--   message  what is wrong, for people; it quotes nothing
--   hint     what to do
--   facts    what else helps to correct it
--
-- Raises
--   PT422 invalid_patch  always
create function private.refuse_patch(
  problem text,
  index   integer,
  message text,
  hint    text,
  facts   jsonb default '{}'
) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception '%', case
    when index is null then message else format('operation %s: %s', index, message)
  end using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(
      jsonb_build_object('code', 'invalid_patch', 'problem', problem, 'index', index) || facts
    ),
    hint    = hint;
end;
$$;

-- Refuse an operation of a patch that looks for something where nothing is.
--
--   index    which operation it is, counted from 0
--   pointer  array of tokens: where it looks
--   reached  how many of them lead to something
--   place    what they lead to
--
-- Raises
--   PT409 patch_path_not_found  always: with the part of the path that is there as found, and what
--                               could stand next there: the first twenty keys as allowed and the
--                               nearest one, or the length of the array
create function private.refuse_patch_path(
  index   integer,
  pointer jsonb,
  reached integer,
  place   jsonb
) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  type constant text   := jsonb_typeof(place);
  -- The first one is that of the root.
  path constant text[] := array(
    select t.token
      from jsonb_array_elements_text(pointer) with ordinality as t (token, nth)
     where t.nth > 1
     order by t.nth
  );
  keys constant text[] := array(
    select k.key
      from jsonb_object_keys(case when type = 'object' then place end) as k (key)
     where length(k.key) <= 64
     order by k.key collate "C"
     limit 5000
  );
begin
  raise exception 'operation %: there is nothing at its path', index using
    errcode = 'PT409',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'patch_path_not_found',
      'index', index,
      'path', coalesce(private.pointer(variadic path), ''),
      'found', coalesce(private.pointer(variadic path[:reached - 1]), ''),
      'length', case when type = 'array' then jsonb_array_length(place) end,
      'allowed', case when type = 'object' then keys[:20] end,
      'nearest', case when type = 'object' then private.nearest(pointer ->> reached, keys) end
    )),
    hint    = case
      when reached = 0 then 'An operation before has removed the document: add one at the path "".'
      when type = 'array' then
        'found leads to an array: an element is named by its place, counted from 0, without '
        'leading zeros; add takes the place after the last one, too, and "-" for that.'
      when type = 'object' then
        'found leads to an object without the next key: use one that it has, or add it first.'
      else 'found leads to a value that holds nothing else: replace that one.'
    end;
end;
$$;

-- Refuse a patch that is too dangerous to look at any closer.
--
--   patch          any jsonb, or null
--   levels_around  levels of nesting that stand around the parts of a document in it
--
-- Raises
--   PT422 invalid_patch  there is none, or it breaks a limit (private.limit_problems())
create function private.require_patch_in_limits(patch jsonb, levels_around integer default 0)
returns void
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb;
begin
  if patch is null then
    perform private.refuse_patch(
      'missing', null, 'there is no patch', 'Send what to change as patch.'
    );
  end if;

  problems := private.limit_problems(patch, levels_around);
  if problems <> '[]' then
    perform private.refuse_patch(
      problems -> 0 ->> 'code', null, 'the patch breaks a limit',
      'Send less in one patch: what is expected is the limit of a document.',
      jsonb_build_object('expected', problems -> 0 -> 'expected')
    );
  end if;
end;
$$;

-- Refuse unless a value is the one that an operation of a JSON Patch tests for. Numbers are compared
-- as numbers: 1 is 1.0.
--
--   value      what stands at its path
--   operation  a test of private.patch_operations()
--
-- Raises
--   PT409 patch_test_failed  it is another one
create function private.require_tested(value jsonb, operation jsonb) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  if value <> operation -> 'value' then
    raise exception 'operation %: the value at its path is another one', operation -> 'index' using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'patch_test_failed',
        'index', operation -> 'index',
        'path', coalesce(private.pointer(variadic array(
          select t.token
            from jsonb_array_elements_text(operation -> 'path') with ordinality as t (token, nth)
           where t.nth > 1
           order by t.nth
        )), '')
      ),
      hint    = 'Load the document again: either the test is out of date, or so is the patch.';
  end if;
end;
$$;

-- Spend some of the budget that carrying out a patch has.
--
--   budget   steps of work that are left, about a microsecond each
--   steps    how many it takes now
--   index    which operation takes them, counted from 0
--   returns  what is left
--
-- Raises
--   PT422 invalid_patch  that is less than nothing
create function private.spend(budget integer, steps integer, index integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  if budget < steps then
    perform private.refuse_patch(
      'too_much_work', index, 'the patch takes too much work',
      'Copy less, order the operations by path, replace the part that most of them change, or save '
      'the whole document.'
    );
  end if;
  return budget - steps;
end;
$$;
