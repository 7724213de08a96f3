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
      perform private.refuse_choice('format', '{json-patch,merge-patch}');
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

-- Set or clear a parameter of a composition, for everyone or in a layer.
--
--   parameter  as set_parameter() takes it; null: it is cleared
--   returns    as save_version(), or as get_layer()
--
-- The other arguments, and what it raises: set_parameter(), clear_parameter().
--
-- Definer rights: nobody may write versions or layers in any other way.
create function private.change_parameter(
  composition_id  uuid,
  name            text,
  parameter       jsonb,
  scope           text,
  organization_id uuid,
  base_version    integer,
  message         text,
  origin          jsonb
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  layer    record;
  head     public.user_compositions;
  document jsonb;
  changed  jsonb;
begin
  perform private.require_composition_role(change_parameter.composition_id, 'viewer');
  if change_parameter.name is null then
    perform private.refuse_argument('', 'name');
  elsif change_parameter.name !~ '^[A-Za-z0-9_-]{1,64}$' then
    raise exception 'the name of a parameter has another form' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'name', 'expected', '1 to 64 of A-Z a-z 0-9 _ -'
      ),
      hint    = 'Send a name of the form that is expected.';
  end if;

  if change_parameter.scope in ('me', 'organization') then
    layer := private.layer_to_change(
      change_parameter.composition_id, change_parameter.scope, change_parameter.organization_id,
      change_parameter.base_version, with_layer => true
    );
    perform private.put_layer(
      change_parameter.composition_id,
      layer.holder,
      layer.base_version,
      layer.beneath,
      private.with_parameter(layer.shown, change_parameter.name, change_parameter.parameter),
      change_parameter.origin
    );
    return private.layer_summary(change_parameter.composition_id, layer.holder);
  elsif change_parameter.scope is distinct from 'composition' then
    perform private.refuse_choice('scope', '{composition,me,organization}');
  elsif change_parameter.organization_id is not null then
    perform private.refuse_choice('organization_id');
  end if;

  -- Before the document is read: what is the head now stays it until the change is saved.
  head := private.lock_composition(change_parameter.composition_id, 'editor');
  if head.current_version <> change_parameter.base_version then
    perform private.refuse_stale(head, change_parameter.base_version);
  end if;

  select d.document into document
    from public.compositions as d
   where d.content_hash = head.current_hash;
  changed := private.with_parameter(document, change_parameter.name, change_parameter.parameter);

  return private.save_document(
    composition_id => head.id,
    base_version   => head.current_version,
    document       => changed,
    kind           => 'save',
    origin         => change_parameter.origin,
    message        => coalesce(change_parameter.message, (
                        private.parameter_sentences(
                          coalesce(document -> 'parameters', '{}'), changed -> 'parameters'
                        )
                      )[1]),
    on_conflict    => 'reject'
  );
end;
$$;

-- Everything that is wrong with a document: the one validator.
--
--   document  any jsonb, or null
--   returns   array of problems, at most 100, empty when it is valid: of the envelope first, then
--             of components, of the tree they make, of sources, of parameters, of ext; each part
--             by path
--
-- Where a limit is broken nothing else is looked at. One mistake is one problem where that can be
-- told: what only follows from another problem is left out.
create or replace function private.document_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := private.limit_problems(document);
begin
  if problems <> '[]' then
    return problems;
  end if;

  problems := private.envelope_problems(document);
  if jsonb_typeof(document -> 'components') = 'object'
     and document ->> 'dialect' is distinct from 'json' then
    problems := problems || private.component_problems(document -> 'components')
                         || private.tree_problems(document -> 'components', document ->> 'root');
  end if;
  if jsonb_typeof(document -> 'sources') = 'object' then
    problems := problems || private.source_problems(document -> 'sources');
  end if;
  if jsonb_typeof(document -> 'parameters') = 'object' then
    problems := problems || private.parameter_problems(document -> 'parameters')
                         || private.target_problems(document)
                         || private.field_problems(document);
  end if;
  if jsonb_typeof(document -> 'ext') = 'object' then
    problems := problems || private.ext_problems(document -> 'ext');
  end if;

  return jsonb_path_query_array(problems, '$[0 to 99]');
end;
$$;

-- Which fields of parameters are none of those that their sources say they have.
--
--   document  jsonb object, its parameters an object
--   returns   array of problems by path, at most 100, empty when there are none: with the first
--             twenty fields of a source that lacks it, and for the first ten with the nearest one
--
-- A source that does not say what fields it has may have any.
create function private.field_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    with s as materialized (
      select e.key as name, e.value -> 'fields' as fields
        from jsonb_each(
               case when jsonb_typeof(document -> 'sources') = 'object' then document -> 'sources' end
             ) as e
       where jsonb_typeof(e.value) = 'object' and private.is_fields(e.value -> 'fields')
    ),
    f as (
      select distinct on (p.key)
             p.key as parameter, p.value ->> 'field' as field, s.name as source, s.fields
        from jsonb_each(case when exists (select from s) then document -> 'parameters' end) as p
       cross join jsonb_array_elements_text(
               case when jsonb_typeof(p.value -> 'target') = 'array' then p.value -> 'target' end
             ) as t (name)
        join s on s.name = t.name
       where jsonb_typeof(p.value -> 'field') = 'string'
         and p.value ->> 'field' <> ''
         and not s.fields ? (p.value ->> 'field')
       order by p.key, s.name
       limit 100
    )
    select coalesce(jsonb_agg(private.problem(
             'bad_parameter', private.pointer('parameters', f.parameter, 'field'),
             'a source that it is for has no such field',
             allowed => names.fields[:20],
             nearest => case when f.turn <= 10 then private.nearest(f.field, names.fields) end
           ) order by private.pointer('parameters', f.parameter, 'field') collate "C"), '[]')
      from (select f.*, row_number() over (order by f.parameter) as turn from f) as f
     cross join lateral (
             select array(
               select e.field from jsonb_array_elements_text(f.fields) with ordinality as e (field, nth)
                order by e.nth
             ) as fields
           ) as names
  );
end;
$$;

-- Whether a value says what fields the rows of a source have.
--
--   value    any jsonb; SQL null: nothing is said
--   returns  whether it is an array of at most 200 different strings, of 1 to 200 characters each
create function private.is_fields(value jsonb) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  if jsonb_typeof(value) is distinct from 'array' or jsonb_array_length(value) > 200 then
    return false;
  end if;
  return (
    select count(*) = count(distinct f.field) filter (
             where jsonb_typeof(f.field) = 'string'
               and length(f.field #>> '{}') between 1 and 200
           )
      from jsonb_array_elements(value) as f (field)
  );
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

-- An object some of whose members have other values now.
--
--   object   what it was
--   keys     some keys, none of them twice
--   members  their values, in the same order; SQL null: there is none any more
--   returns  what it is
create function private.object_of(object jsonb, keys text[], members jsonb[]) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if keys = '{}' then
    return object;
  end if;
  -- Not jsonb_object_agg(), whose time grows with the square of what one large value holds.
  return (
    select coalesce(
             json_object_agg(
               coalesce(k.key, o.key), case when k.key is null then o.value else k.value end
             ) filter (where k.key is null or k.value is not null)::jsonb,
             '{}'
           )
      from jsonb_each(object) as o
      full join unnest(keys, members) as k (key, value) on k.key = o.key
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

-- What is wrong with the sources of a document.
--
--   sources  jsonb object of sources by name
--   returns  array of problems by path, at most 100, empty when there are none
create or replace function private.source_problems(sources jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  allowed  constant text[] := '{ref,into,args,fields}';
  problems jsonb;
begin
  select jsonb_agg(case
           when f.key <> all (allowed) then private.problem(
             'unknown_key', private.pointer('sources', f.name, f.key),
             'a source has no such key',
             allowed => allowed, nearest => private.nearest(f.key, allowed)
           )
           when f.key is not null then private.problem(
             'wrong_type', private.pointer('sources', f.name, f.key),
             'the value is missing or of another type', f.expected
           )
           when f.expected = 'object' then private.problem(
             'wrong_type', private.pointer('sources', f.name), 'a source is an object', f.expected
           )
           else private.problem(
             'unknown_key', private.pointer('sources', f.name),
             'the name of a source has another form', f.expected
           )
         end order by private.pointer('sources', f.name, f.key) collate "C")
    into problems
    from (
      select s.name, k.key, k.expected
        from (
          select e.key as name, e.value,
                 case when jsonb_typeof(e.value) = 'object' then e.value end as fields
            from jsonb_each(sources) as e
        ) as s
       cross join lateral (
               select null as key, '1 to 64 of A-Z a-z 0-9 _ -' as expected
                where (length(s.name) > 64 or s.name !~ '^[A-Za-z0-9_-]+$')
               union all
               select null, 'object'
                where jsonb_typeof(s.value) <> 'object'
               union all
               select e.key, null
                 from jsonb_object_keys(s.fields) as e (key)
                where e.key <> all (allowed)
               union all
               select r.key, r.expected
                 from (values
                   ('ref', 'a string that is not empty',
                    jsonb_typeof(s.fields -> 'ref') = 'string' and s.fields -> 'ref' <> '""'),
                   ('into', 'a JSON Pointer to a place in data',
                    jsonb_typeof(s.fields -> 'into') = 'string'
                    and s.fields ->> 'into' ~ '^(/([^/~]|~[01])*)+$'),
                   ('args', 'object', jsonb_typeof(s.fields -> 'args') = 'object'),
                   ('fields', 'an array of at most 200 different strings, of 1 to 200 characters',
                    private.is_fields(s.fields -> 'fields'))
                 ) as r (key, expected, is_fine)
                where case
                        when s.fields ? r.key then not r.is_fine
                        else r.key = any (private.missing_keys(s.fields, '{ref,into}', allowed))
                      end
             ) as k
       limit 100
    ) as f;

  return coalesce(problems, '[]');
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

-- Take a parameter of a composition away: its filter, order or limit ends.
--
--   composition_id   a composition the caller may edit; with another scope, view
--   name             the name of the parameter
--   scope            as set_parameter() takes it: with 'me' or 'organization', it is away for these
--                    alone
--   organization_id  with scope 'organization': which one; null: the composition's own
--   base_version     the head that the caller has seen; null: whatever is the head now
--   message          what changed, in words; null: the sentence that diff_versions() has for it. A
--                    layer has none
--   origin           how it came to be (docs/history.md); null: a person did it
--   returns          {composition_id, version, content_hash, title, updated_at}, as save_version();
--                    with another scope the layer, as get_layer()
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 parameter_not_found        there is none of this name
--   PT404 version_not_found          with another scope: there is no base_version, or no longer
--   PT403 composition_read_only      readable, but the caller is no editor
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT410 composition_trashed        in the trash
--   PT409 version_conflict           saved by someone since base_version was read
--   PT422 invalid_document           a limit was lowered since the version was saved
--   PT422 invalid_argument           name is none, the message is too long, scope or origin is not
--                                    known, or an organisation is given that the scope has not
--
-- Definer rights: callers may not call private.change_parameter(), which checks them.
create function public.clear_parameter(
  composition_id  uuid,
  name            text,
  scope           text default 'composition',
  organization_id uuid default null,
  base_version    integer default null,
  message         text default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return private.change_parameter(
    clear_parameter.composition_id, clear_parameter.name, null,
    clear_parameter.scope, clear_parameter.organization_id, clear_parameter.base_version,
    clear_parameter.message, clear_parameter.origin
  );
end;
$$;

-- Append a version to a composition by what is to change in it.
--
--   composition_id  a composition the caller may edit
--   base_version    the version that the patch was made for
--   patch           what is to change in the document of that version (docs/patch.md)
--   format          'json-patch': an array of operations (RFC 6902); 'merge-patch': an object with
--                   what is to be set, and null for what is to go (RFC 7396)
--   message         what changed, in words; null: nothing to say
--   on_conflict     'reject': a stale patch is refused; 'merge': what it makes of base_version is
--                   merged (docs/merge.md)
--   origin          how it came to be (docs/history.md); null: a person made it
--   returns         {composition_id, version, content_hash, title, updated_at, merged?, conflicts?,
--                   conflict_version?}, as save_version()
--
-- All of a patch is carried out, or nothing.
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read; to be merged, but
--                                base_version is gone, or never was
--   PT409 patch_path_not_found   nothing is where an operation looks for something
--   PT409 patch_test_failed      something else is where an operation tests
--   PT422 invalid_patch          the patch is none, or too large
--   PT422 invalid_document       what it makes, with every problem found, by path
--   PT422 invalid_argument       base_version is null, the message is too long, or format,
--                                on_conflict or origin is not known
--
-- Definer rights: callers may not call private.save_document(), which checks them.
create function public.patch_composition(
  composition_id uuid,
  base_version   integer,
  patch          jsonb,
  format         text default 'json-patch',
  message        text default null,
  on_conflict    text default 'reject',
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  head     public.user_compositions;
  document jsonb;
begin
  perform private.require_composition_role(patch_composition.composition_id, 'editor');
  if patch_composition.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;

  select d.document into document
    from public.composition_versions as v
    join public.compositions as d on d.content_hash = v.content_hash
   where v.composition_id = patch_composition.composition_id
     and v.version = patch_composition.base_version;
  if document is null then
    select c.* into head
      from public.user_compositions as c
     where c.id = patch_composition.composition_id;
    perform private.refuse_stale(head, patch_composition.base_version);
  end if;

  return private.save_document(
    composition_id => patch_composition.composition_id,
    base_version   => patch_composition.base_version,
    document       => private.apply_patch(
                        document, patch_composition.patch, patch_composition.format
                      ),
    kind           => 'save',
    origin         => patch_composition.origin,
    message        => patch_composition.message,
    on_conflict    => patch_composition.on_conflict
  );
end;
$$;

-- Turn one knob of a composition: set a parameter of its document, or change a part of one.
--
--   composition_id   a composition the caller may edit; with another scope, view
--   name             the name of the parameter
--   parameter        with a type, all of it: {type, value?, target, …} (docs/document.md); without,
--                    the keys of the one that is there that change, such as {"value": 900}; the
--                    label goes with null
--   scope            'composition': for everyone, as a version; 'me': for the caller alone, as a
--                    layer; 'organization': for its members, as a layer, by an admin of it
--   organization_id  with scope 'organization': which one; null: the composition's own
--   base_version     the head that the caller has seen; null: whatever is the head now
--   message          what changed, in words; null: the sentence that diff_versions() has for it. A
--                    layer has none
--   origin           how it came to be (docs/history.md); null: a person did it
--   returns          {composition_id, version, content_hash, title, updated_at}, as save_version();
--                    with another scope the layer, as get_layer()
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 parameter_not_found        a part is to change, but of none that is there
--   PT404 version_not_found          with another scope: there is no base_version, or no longer
--   PT403 composition_read_only      readable, but the caller is no editor
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT410 composition_trashed        in the trash
--   PT409 version_conflict           saved by someone since base_version was read
--   PT422 invalid_document           what the parameter makes of it, with every problem found
--   PT422 invalid_argument           parameter is null, name is none, the message is too long,
--                                    scope or origin is not known, or an organisation is given that
--                                    the scope has not
--
-- Definer rights: callers may not call private.change_parameter(), which checks them.
create function public.set_parameter(
  composition_id  uuid,
  name            text,
  parameter       jsonb,
  scope           text default 'composition',
  organization_id uuid default null,
  base_version    integer default null,
  message         text default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if set_parameter.parameter is null then
    perform private.refuse_argument('', 'parameter');
  end if;

  return private.change_parameter(
    set_parameter.composition_id, set_parameter.name, set_parameter.parameter,
    set_parameter.scope, set_parameter.organization_id, set_parameter.base_version,
    set_parameter.message, set_parameter.origin
  );
end;
$$;

grant execute on function
  public.clear_parameter(uuid, text, text, uuid, integer, text, jsonb),
  public.patch_composition(uuid, integer, jsonb, text, text, text, jsonb),
  public.set_parameter(uuid, text, jsonb, text, uuid, integer, text, jsonb)
to authenticated;
