-- The history of a composition: what changed between two versions, labels, and how long versions
-- are kept.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Checks every row under a lock that keeps readers out: no row has a label yet, so that is a scan.
alter table public.composition_versions
  add column label text
    constraint composition_versions_label_length check (length(label) <= 100 and label ~ '\S');

comment on constraint composition_versions_label_length on public.composition_versions is
  'A label has 1 to 100 characters, not all of them blank.';

alter table public.composition_versions alter column label set statistics 0;

insert into private.settings (name, value, description)
values
  ('min_versions_kept', 100, 'Newest versions of a composition that are kept however old they are'),
  ('version_retention_days', 36500, 'Days for which every version is kept');

-- Which elements of two arrays belong together, so that one inserted at the front is one change.
--
--   source     an array
--   target     another one, of another text
--   budget     steps of work that may be spent, about a microsecond each; comes back reduced,
--              at most 0 when it was not enough
--   head       how many elements at the start are the same
--   tail       how many of the others at the end are the same
--   source_at  ascending places between head and tail, counted from 1 …
--   target_at  … and their partners in the target, ascending too
--
-- Where all elements are objects with an id of their own, equal ids are partners. Other elements
-- are when they are equal, and what remains between two such pairs is paired in order: an edit in
-- place is likelier than one out and another one in. Partners may differ.
create function private.array_alignment(
  source        jsonb,
  target        jsonb,
  inout budget  integer,
  out head      integer,
  out tail      integer,
  out source_at integer[],
  out target_at integer[]
)
language plpgsql immutable
set search_path = ''
as $$
declare
  source_end integer := jsonb_array_length(source);
  target_end integer := jsonb_array_length(target);
  by_id      boolean;
  anchors    integer[];  -- places after head of what is the same
  partners   integer[];
  i          integer;
  j          integer;
  next_i     integer;
  next_j     integer;
begin
  head := private.common_head(source, target);
  tail := private.common_tail(source, target, least(source_end, target_end) - head);
  source_end := source_end - tail;
  target_end := target_end - tail;

  budget := budget - 3 * (source_end - head + target_end - head);
  if budget <= 0 then
    return;
  end if;

  by_id := private.has_ids(source, head, source_end)
    and private.has_ids(target, head, target_end);
  select c.budget, c.source_at, c.target_at into budget, anchors, partners
    from private.common_subsequence(
           private.element_hashes(source, head, source_end, by_id),
           private.element_hashes(target, head, target_end, by_id),
           budget
         ) as c;

  source_at := '{}';
  target_at := '{}';
  i := head;
  j := head;
  for nth in 1 .. cardinality(anchors) + 1 loop
    next_i := coalesce(head + anchors[nth], source_end + 1);
    next_j := coalesce(head + partners[nth], target_end + 1);
    if not by_id then
      for step in 1 .. least(next_i - i, next_j - j) - 1 loop
        source_at := array_append(source_at, i + step);
        target_at := array_append(target_at, j + step);
      end loop;
    end if;
    if next_i <= source_end then
      source_at := array_append(source_at, next_i);
      target_at := array_append(target_at, next_j);
    end if;
    i := next_i;
    j := next_j;
  end loop;
end;
$$;

-- What differs between two arrays, element by element.
--
--   source     an array
--   target     another one
--   source_at, target_at, head, tail
--              private.array_alignment() of the two
--   returns    a row (op, key, was, value) for every element that is added, removed or replaced;
--              key is its place, counted from 0, once the rows before are done: its place in the
--              target
create function private.array_changes(
  source    jsonb,
  target    jsonb,
  source_at integer[],
  target_at integer[],
  head      integer,
  tail      integer
)
returns table (op text, key text, was jsonb, value jsonb)
language plpgsql immutable
set search_path = ''
as $$
declare
  olds constant jsonb[] := array(
    select e.value
      from jsonb_array_elements(source) with ordinality as e (value, nth)
     where e.nth > head and e.nth <= jsonb_array_length(source) - tail
     order by e.nth
  );
  news constant jsonb[] := array(
    select e.value
      from jsonb_array_elements(target) with ordinality as e (value, nth)
     where e.nth > head and e.nth <= jsonb_array_length(target) - tail
     order by e.nth
  );
  i integer := 1;  -- the next ones
  j integer := 1;
  next_i integer;
  next_j integer;
begin
  for nth in 1 .. cardinality(source_at) + 1 loop
    next_i := coalesce(source_at[nth] - head, cardinality(olds) + 1);
    next_j := coalesce(target_at[nth] - head, cardinality(news) + 1);

    op := 'remove';
    key := head + j - 1;
    value := null;
    while i < next_i loop
      was := olds[i];
      return next;
      i := i + 1;
    end loop;

    op := 'add';
    was := null;
    while j < next_j loop
      key := head + j - 1;
      value := news[j];
      return next;
      j := j + 1;
    end loop;

    if olds[i] <> news[j] or olds[i]::text <> news[j]::text then
      op := 'replace';
      key := head + j - 1;
      was := olds[i];
      value := news[j];
      return next;
    end if;
    i := i + 1;
    j := j + 1;
  end loop;
end;
$$;

-- From one value to another, as it is said in a sentence.
--
--   was      any jsonb
--   value    any other one
--   returns  '“a” → “b”'; empty when no few words tell them apart
--
-- Of two long texts, the words around their first difference.
create function private.change_phrase(was jsonb, value jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  before    text := was #>> '{}';
  after     text := value #>> '{}';
  same      integer := 0;
  different integer;
  middle    integer;
begin
  if jsonb_typeof(was) = 'string' and jsonb_typeof(value) = 'string'
    and greatest(length(before), length(after)) > 60
  then
    different := least(length(before), length(after)) + 1;
    while different - same > 1 loop
      middle := (same + different) / 2;
      if left(before, middle) = left(after, middle) then
        same := middle;
      else
        different := middle;
      end if;
    end loop;
    if same > 30 then
      before := '…' || substr(before, same - 20);
      after := '…' || substr(after, same - 20);
    end if;
    was := to_jsonb(before);
    value := to_jsonb(after);
  end if;

  before := private.value_phrase(was);
  after := private.value_phrase(value);
  return case when before = after then '' else before || ' → ' || after end;
end;
$$;

-- How many elements at the start of two arrays are the same.
--
--   source   an array
--   target   another one
--   returns  0 up to the length of the shorter one
create function private.common_head(source jsonb, target jsonb) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  if source -> 0 <> target -> 0 then
    return 0;
  end if;
  return (
    select coalesce(min(coalesce(s.nth, t.nth)) - 1, jsonb_array_length(source))
      from jsonb_array_elements(source) with ordinality as s (value, nth)
      full join jsonb_array_elements(target) with ordinality as t (value, nth) on t.nth = s.nth
     where s.nth is null
        or t.nth is null
        or s.value <> t.value
        or s.value::text <> t.value::text  -- 1 and 1.0
  );
end;
$$;

-- A longest common subsequence of two arrays, or as much of one as the budget allows: the greedy
-- algorithm of Myers (An O(ND) difference algorithm and its variations, 1986).
--
--   source     elements as hashes
--   target     elements as hashes
--   budget     steps of work of which half may be spent here; comes back reduced
--   source_at  ascending places in the source, counted from 1 …
--   target_at  … and the places of the same hashes in the target, ascending too
--
-- The planner guesses ten elements however many there are, and would then loop over both.
create function private.common_subsequence(
  source        bigint[],
  target        bigint[],
  inout budget  integer,
  out source_at integer[],
  out target_at integer[]
)
language plpgsql immutable
set search_path = ''
set enable_nestloop = off
as $$
declare
  max_distance constant integer := 250;
  reserve      constant integer := budget / 2;
  -- What only one side has is in no common subsequence: without it, fewer steps.
  a      bigint[];
  b      bigint[];
  a_at   integer[];
  b_at   integer[];
  -- How far into a one gets on the diagonal k = x - y with d changes: a row for each d, one after
  -- another, of k = -d, 2 - d … d.
  reach  integer[] := '{}';
  above  integer;
  best_d integer := 0;
  best_k integer := 0;
  best   integer := -1;
  down   boolean;
  x      integer;
  y      integer;
begin
  select array_agg(e.hash order by e.nth), array_agg(e.nth order by e.nth) into a, a_at
    from unnest(source) with ordinality as e (hash, nth)
   where e.hash in (select unnest(target));
  select array_agg(e.hash order by e.nth), array_agg(e.nth order by e.nth) into b, b_at
    from unnest(target) with ordinality as e (hash, nth)
   where e.hash in (select unnest(source));

  source_at := '{}';
  target_at := '{}';
  if a is null then
    return;
  end if;

  <<search>>
  for d in 0 .. max_distance loop
    for k in -d .. d by 2 loop
      above := d * (d - 1) / 2 + (k + d) / 2;
      if d = 0 then
        x := 0;
      elsif k = -d or k < d and reach[above] < reach[above + 1] then
        x := reach[above + 1];
      else
        x := reach[above] + 1;
      end if;

      y := x - k;
      budget := budget - 1;
      while a[x + 1] = b[y + 1] loop
        x := x + 1;
        y := y + 1;
        budget := budget - 1;
      end loop;
      reach := array_append(reach, x);

      if x + y > best and x <= cardinality(a) and y <= cardinality(b) then
        best := x + y;
        best_d := d;
        best_k := k;
      end if;
      exit search when best = cardinality(a) + cardinality(b) or budget < reserve;
    end loop;
  end loop;

  -- Back along the way that led farthest.
  for d in reverse best_d .. 0 loop
    above := d * (d - 1) / 2 + (best_k + d) / 2;
    down := d > 0 and (best_k = -d or best_k < d and reach[above] < reach[above + 1]);
    x := case when d = 0 then 0 when down then reach[above + 1] else reach[above] + 1 end;
    for i in reverse reach[above + d + 1] .. x + 1 loop
      source_at := array_append(source_at, a_at[i]);
      target_at := array_append(target_at, b_at[i - best_k]);
    end loop;
    best_k := best_k + case when down then 1 else -1 end;
  end loop;
  source_at := array(select unnest(source_at) order by 1);
  target_at := array(select unnest(target_at) order by 1);
end;
$$;

-- How many elements at the end of two arrays are the same.
--
--   source   an array
--   target   another one
--   longest  how many there can be at most: what is not in the common head
--   returns  0 up to longest
create function private.common_tail(source jsonb, target jsonb, longest integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
declare
  source_end constant integer := jsonb_array_length(source);
  target_end constant integer := jsonb_array_length(target);
begin
  if longest = 0 or source -> -1 <> target -> -1 then
    return 0;
  end if;
  return (
    select coalesce(min(source_end - s.nth), longest)
      from jsonb_array_elements(source) with ordinality as s (value, nth)
      full join jsonb_array_elements(target) with ordinality as t (value, nth)
        on target_end - t.nth = source_end - s.nth
     where s.nth > source_end - longest
       and t.nth > target_end - longest
       and (s.value <> t.value or s.value::text <> t.value::text)
  );
end;
$$;

-- What happened to the components of a document, one by one.
--
--   source   components by id
--   target   components by id
--   returns  a row (op, id, old_parent_id, new_parent_id, inside) for each that was added, removed,
--            moved to another parent, or replaced by one of another text. What came or went
--            together with its parent has none: inside says how many those are, down to 64 levels
--
-- The planner guesses a hundred components however many there are, and would then loop over both.
create function private.component_moves(source jsonb, target jsonb)
returns table (op text, id text, old_parent_id text, new_parent_id text, inside bigint)
language plpgsql immutable
set search_path = ''
set enable_nestloop = off
as $$
begin
  return query
    with recursive
    changes as materialized (
      select c.op, c.key from private.object_changes(source, target) as c
    ),
    parents as materialized (
      select coalesce(o.id, n.id) as id, o.parent_id as old_id, n.parent_id as new_id
        from private.component_parents(source) as o
        full join private.component_parents(target) as n on n.id = o.id
    ),
    arrivals as materialized (
      select c.op, c.key, p.old_id, p.new_id, w.key as leader
        from changes as c
        left join parents as p on p.id = c.key
        left join changes as w
          on w.op = c.op and w.key = case c.op when 'add' then p.new_id else p.old_id end
       where c.op <> 'replace'
    ),
    followers as (
      select a.key as leader, a.key, 0 as level
        from arrivals as a
       where a.leader is null
      union all
      select f.leader, a.key, f.level + 1
        from followers as f
        join arrivals as a on a.leader = f.key
       where f.level < 64
    )
    select a.op, a.key, a.old_id, a.new_id,
           (count(*) - 1)
      from arrivals as a
      join followers as f on f.leader = a.key
     group by a.op, a.key, a.old_id, a.new_id
    union all
    select 'move', p.id, p.old_id, p.new_id, 0
      from parents as p
     where p.old_id is distinct from p.new_id and source ? p.id and target ? p.id
    union all
    select c.op, c.key, null, null, 0
      from changes as c
     where c.op = 'replace';
end;
$$;

-- A component as it is named in a sentence.
--
--   components  components by id
--   id          one of them
--   returns     'Text “title”'; null when there is none
create function private.component_name(components jsonb, id text) returns text
language plpgsql immutable strict
set search_path = ''
as $$
begin
  if not components ? id then
    return null;
  end if;
  return concat_ws(
    ' ',
    private.short_text(coalesce(
      nullif(components -> id ->> 'component', ''), nullif(components -> id ->> 'type', ''),
      'component'
    )),
    format('“%s”', private.short_text(id))
  );
end;
$$;

-- Where each component of a document stands.
--
--   components  components by id, of a dialect that has them
--   returns     a row (id, parent_id) for every component that another one names as its child; of
--               several parents the first by id
create function private.component_parents(components jsonb)
returns table (id text, parent_id text)
language plpgsql immutable
set search_path = ''
as $$
begin
  return query
    select distinct on (1) named.id #>> '{}', c.key
      from jsonb_each(components) as c
     cross join lateral jsonb_path_query(
       c.value,
       'lax $ ? (@.type() == "object").keyvalue()
            ? (@.key like_regex "(child|children|componentId|content|tabs|trigger)$" flag "i")
            .value'
     ) as kept (value)
     cross join lateral jsonb_path_query(
       kept.value, 'strict $.**{0 to 2} ? (@.type() == "string")'
     ) as named (id)
     where components ? (named.id #>> '{}')
     order by 1, 2;
end;
$$;

-- What happened to one component.
--
--   source      components by id
--   target      components by id
--   op          'add', 'remove', 'move' or 'replace'
--   id          the component
--   old_parent  what it stood in, as it is named; null: nothing
--   new_parent  what it stands in
--   inside      how many others came or went with it
--   returns     'Added Text “title” to Column “root”: “Hello”'; null when sentences about its
--               children say it all
create function private.component_sentence(
  source     jsonb,
  target     jsonb,
  op         text,
  id         text,
  old_parent text,
  new_parent text,
  inside     bigint
) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  gone  constant boolean := op = 'remove';
  name  constant text :=
    private.component_name(case when gone then source else target end, id);
  moved constant text[] :=
    private.moved_children(source -> id -> 'children', target -> id -> 'children');
begin
  if op = 'move' then
    return case
      when old_parent is null then format('Put %s into %s', name, new_parent)
      when new_parent is null then format('Took %s out of %s', name, old_parent)
      else format('Moved %s from %s to %s', name, old_parent, new_parent)
    end;
  elsif op = 'replace' then
    return 'Changed ' || name || ': ' || nullif(concat_ws(
      '; ',
      private.edit_phrases(
        source -> id, target -> id,
        case when moved is null then '{child}' else '{child,children}' end::text[]
      ),
      'moved ' || nullif(array_to_string(moved[:3], ', '), '')
        || case when cardinality(moved) > 3
             then format(' and %s more', cardinality(moved) - 3) else '' end
    ), '');
  end if;
  return concat_ws(
    ': ',
    concat_ws(
      ' ',
      case when gone then 'Removed ' || name else 'Added ' || name end,
      case when gone then 'from ' || old_parent else 'to ' || new_parent end,
      case
        when inside = 1 then 'with 1 component inside'
        when inside > 1 then format('with %s components inside', inside)
      end
    ),
    private.component_text(case when gone then source else target end, id)
  );
end;
$$;

-- What changed in the components of a document.
--
--   source   components by id
--   target   components by id
--   returns  sentences: what was added, removed, moved, changed; empty from the 50th on
create function private.component_sentences(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select said.sentence
      from (
        select m.*,
               row_number() over (
                 order by array_position('{add,remove,move,replace}', m.op), m.id collate "C"
               ) as nth
          from private.component_moves(source, target) as m
      ) as m
     cross join lateral (
       select case
                when m.nth >= 50 then ''
                else private.component_sentence(
                  source, target, m.op, m.id,
                  private.component_name(source, m.old_parent_id),
                  private.component_name(target, m.new_parent_id), m.inside
                )
              end as sentence
     ) as said
     where said.sentence is not null
     order by m.nth
  );
end;
$$;

-- What a person reads on a component.
--
--   components  components by id
--   id          one of them
--   returns     its text, label or title, or that of its one child, in quotes; null when it has
--               none
create function private.component_text(components jsonb, id text) returns text
language plpgsql immutable strict
set search_path = ''
as $$
declare
  component constant jsonb := components -> id;
  child     constant jsonb := components -> (component ->> 'child');
begin
  return (
    select private.value_phrase(p.value)
      from unnest(array[component, child]) with ordinality as c (value, nth)
     cross join unnest('{text,label,title,name,placeholder,description}'::text[])
                  with ordinality as k (key, nth)
     cross join lateral (select c.value -> k.key as value) as p
     where jsonb_typeof(p.value) = 'string' and p.value <> '""'
     order by c.nth, k.nth
     limit 1
  );
end;
$$;

-- What changed between two documents, for people.
--
--   source   a document
--   target   another one
--   returns  array of at most 50 sentences, in an order that is always the same: parameters first,
--            then what is seen, then data and the rest. The last one says how many more there are.
--            Empty when both documents have the same text, and only then
--
-- Bounded as private.json_diff() is; no sentence has more than about 700 characters.
create function private.diff_sentences(source jsonb, target jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  most      constant integer := 50;
  known     constant text[] :=
    '{parameters,components,root,body,data,sources,ext,dialect,format}';
  sentences text[] := '{}';
  part      record;
begin
  if source = target and source::text = target::text then
    return '[]';
  end if;

  for part in
    select c.key, c.was, c.value,
           jsonb_typeof(coalesce(c.was, '{}')) = 'object'
           and jsonb_typeof(coalesce(c.value, '{}')) = 'object' as are_objects
      from private.object_changes(
             case jsonb_typeof(source) when 'object' then source else '{}' end,
             case jsonb_typeof(target) when 'object' then target else '{}' end
           ) as c
     where c.key = any (known)
     order by array_position(known, c.key)
  loop
    sentences := sentences || case
      when part.key = 'parameters' and part.are_objects then
        private.parameter_sentences(coalesce(part.was, '{}'), coalesce(part.value, '{}'))
      when part.key = 'components' and part.are_objects then
        private.component_sentences(coalesce(part.was, '{}'), coalesce(part.value, '{}'))
      when part.key = 'sources' and part.are_objects then
        private.source_sentences(coalesce(part.was, '{}'), coalesce(part.value, '{}'))
      else
        private.part_sentences(
          part.key, part.was, part.value, part.key <> 'body'
        )
    end;
  end loop;

  if sentences = '{}' then
    sentences := private.part_sentences('the document', source, target, true);
  end if;
  if cardinality(sentences) > most then
    sentences := sentences[:most - 1]
      || format('… and %s more changes', cardinality(sentences) - most + 1);
  end if;
  return to_jsonb(sentences);
end;
$$;

-- The edits of a small thing, such as a component, in a few words.
--
--   source   any jsonb
--   target   any other one
--   said     keys of theirs that need no words
--   returns  'text “a” → “b”; added weight 2; and 3 more'; null when there is nothing to say
create function private.edit_phrases(source jsonb, target jsonb, said text[] default '{}')
returns text
language plpgsql immutable strict
set search_path = ''
as $$
declare
  shown constant integer := 3;
begin
  return (
    select string_agg(
             concat_ws(
               ' ',
               case e.edit ->> 'op' when 'add' then 'added' when 'remove' then 'removed' end,
               coalesce(
                 nullif(private.short_text(substr(e.edit ->> 'path', 2), 80), ''), 'all of it'
               ),
               case e.edit ->> 'op'
                 when 'add' then private.value_phrase(e.edit -> 'value')
                 when 'remove' then private.value_phrase(e.edit -> 'was')
                 else nullif(private.change_phrase(e.edit -> 'was', e.edit -> 'value'), '')
               end
             ),
             '; ' order by e.nth
           ) filter (where e.nth <= shown)
           || case when count(*) > shown then format('; and %s more', count(*) - shown) else '' end
      from (
        select u.edit, row_number() over (order by u.nth) as nth
          from unnest((private.json_edits(source, target, few => 100, budget => 4000)).edits)
                 with ordinality as u (edit, nth)
         where split_part(u.edit ->> 'path', '/', 2) <> all (said)
      ) as e
  );
end;
$$;

-- One edit as a sentence.
--
--   part     what was edited: a key of the document
--   edit     private.json_edit(), its path below that key
--   returns  'Changed body at /title: “a” → “b”'
create function private.edit_sentence(part text, edit jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  place constant text := private.short_text(edit ->> 'path', 100);
begin
  return case edit ->> 'op'
    when 'add' then
      format('Added to %s at %s: %s', part, place, private.value_phrase(edit -> 'value'))
    when 'remove' then
      format('Removed from %s at %s: %s', part, place, private.value_phrase(edit -> 'was'))
    else
      concat_ws(
        ': ',
        format('Changed %s at %s', part, place),
        nullif(private.change_phrase(edit -> 'was', edit -> 'value'), '')
      )
  end;
end;
$$;

-- Hashes of some elements of an array, of their texts: those of jsonb are the same for 1 and -1.
-- Different elements may have the same one nevertheless.
--
--   list      an array
--   after     how many elements at the start are left out
--   until     the place of the last one
--   by_id     whether to hash the elements' ids
--   returns   a hash an element, in order
create function private.element_hashes(list jsonb, after integer, until integer, by_id boolean)
returns bigint[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select hashtextextended(
             (case when by_id then e.value -> 'id' else e.value end)::text collate "C", 0
           )
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     where e.nth > after and e.nth <= until
     order by e.nth
  );
end;
$$;

-- Whether all of some elements of an array are objects with an id of their own.
--
--   list     an array
--   after    how many elements at the start are left out
--   until    the place of the last one
--   returns  true also when there are none
create function private.has_ids(list jsonb, after integer, until integer) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    select count(*) = count(distinct e.value -> 'id')
             filter (where jsonb_typeof(e.value -> 'id') in ('string', 'number'))
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     where e.nth > after and e.nth <= until
  );
end;
$$;

-- What turns one JSON value into another: an RFC 6902 patch.
--
--   source   any jsonb
--   target   any jsonb
--   returns  array of {op: 'add', path, value}, {op: 'remove', path} and
--            {op: 'replace', path, value}; empty when both have the same text
--
-- Applied in order, the patch makes the target exactly: 1 and 1.0 are different content, so one
-- replaces the other. Paths are pointers of RFC 6901; that of an element is its place in the
-- target.
--
-- Short before complete: where the operations on a part have more text than the part, it is
-- replaced. The work is bounded whatever the values are: at most 4,000 objects and arrays are
-- looked into, 100 levels deep; at most 400,000 elements are compared to align arrays, and an
-- array with more than 20,000 elements between its first change and its last is compared place by
-- place. What the bounds leave out is replaced whole.
create function private.json_diff(source jsonb, target jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if source = target and source::text = target::text then
    return '[]';
  end if;
  -- Not jsonb_agg(), whose time grows with the square of what one large value holds.
  return to_jsonb(array(
    select e.edit - 'was'
      from unnest((private.json_edits(source, target)).edits) with ordinality as e (edit, nth)
     order by e.nth
  ));
end;
$$;

-- One edit of a JSON value: an operation of RFC 6902, with what stood there before.
--
--   op       'add', 'remove' or 'replace'
--   path     a JSON Pointer
--   was      what stood there; SQL null for 'add'
--   value    what stands there afterwards; SQL null for 'remove'
--   returns  {op, path, value?, was?}
create function private.json_edit(op text, path text, was jsonb, value jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return case op
    when 'add' then jsonb_build_object('op', op, 'path', path, 'value', value)
    when 'remove' then jsonb_build_object('op', op, 'path', path, 'was', was)
    else jsonb_build_object('op', op, 'path', path, 'value', value, 'was', was)
  end;
end;
$$;

-- The edits that turn one JSON value into another: what private.json_diff() and
-- private.diff_sentences() are made of.
--
--   source   any jsonb
--   target   any jsonb, of another text
--   path     where both stand, as a JSON Pointer
--   few      edits of a part up to this many are kept even where they are longer than the part
--   level    how many levels that is below the first call
--   budget   steps of work that may be spent, about a microsecond each; comes back reduced
--   edits    array of private.json_edit(), in order; a path leads to its place in the target, or
--            to where that would be
--   size     bytes of text of the operations in a patch, each with a comma
--
-- The bounds stand in private.json_diff().
create function private.json_edits(
  source       jsonb,
  target       jsonb,
  path         text default '',
  few          integer default 0,
  level        integer default 0,
  inout budget integer default 400000,
  out edits    jsonb[],
  out size     bigint
)
language plpgsql immutable
set search_path = ''
as $$
declare
  type      constant text := jsonb_typeof(source);
  allowed   bigint := pg_column_size(target) / 4;  -- no value has less text than that
  whole     jsonb;                                 -- one edit that does it all, once needed
  changes   refcursor;
  change    record;
  alignment record;
  part      record;
  edit      jsonb;
  place     text;
begin
  -- A call of its own, and one look at both values.
  budget := budget - 100 - (pg_column_size(source) + pg_column_size(target)) / 100;
  if type = jsonb_typeof(target) and level < 100 and budget > 0 then
    if type = 'object' then
      open changes for select * from private.object_changes(source, target);
    elsif type = 'array' then
      alignment := private.array_alignment(source, target, budget);
      budget := alignment.budget;
      if budget > 0 then
        open changes for
          select *
            from private.array_changes(
                   source, target, alignment.source_at, alignment.target_at,
                   alignment.head, alignment.tail
                 );
      end if;
    end if;
  end if;

  if changes is null then
    whole := private.json_edit('replace', path, source, target);
    edits := array[whole];
    size := octet_length((whole - 'was')::text) + 2;
    return;
  end if;

  edits := '{}';
  size := 0;
  loop
    fetch changes into change;
    exit when not found;
    place := path || '/' || replace(replace(change.key, '~', '~0'), '/', '~1');

    if change.op = 'replace' and jsonb_typeof(change.was) in ('object', 'array') then
      part := private.json_edits(change.was, change.value, place, few, level + 1, budget);
      budget := part.budget;
      size := size + part.size;
      foreach edit in array part.edits loop
        edits := array_append(edits, edit);
      end loop;
    else
      edit := private.json_edit(change.op, place, change.was, change.value);
      edits := array_append(edits, edit);
      size := size + octet_length((edit - 'was')::text) + 2;
    end if;

    -- Measured once, and only where the edits may be longer than the whole.
    if size > allowed and whole is null and cardinality(edits) > few then
      whole := private.json_edit('replace', path, source, target);
      allowed := octet_length((whole - 'was')::text) + 2;
    end if;
    if size > allowed and cardinality(edits) > few then
      edits := array[whole];
      size := allowed;
      exit;
    end if;
  end loop;
  close changes;
end;
$$;

-- Which of the children that two lists have in common are in another order.
--
--   source   the children of a component
--   target   its children later
--   returns  their ids in quotes, as few as explain the other order; null when one of the two is no
--            list of ids
--
-- The planner guesses ten elements however many there are, and would then loop over both.
create function private.moved_children(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
set enable_nestloop = off
as $$
declare
  kept integer[];
begin
  if source is null or target is null or jsonb_path_exists(
    jsonb_build_array(source, target),
    'strict $[*] ? (@.type() != "array" || exists(@[*] ? (@.type() != "string")))'
  ) then
    return null;
  end if;

  kept := (private.common_subsequence(
    private.element_hashes(source, 0, jsonb_array_length(source), false),
    private.element_hashes(target, 0, jsonb_array_length(target), false),
    40000
  )).target_at;
  return array(
    select format('“%s”', private.short_text(t.id))
      from jsonb_array_elements_text(target) with ordinality as t (id, nth)
     where t.id in (select jsonb_array_elements_text(source))
       and t.nth not in (select unnest(kept))
     order by t.nth
  );
end;
$$;

-- What differs between two objects, key by key.
--
--   source   an object
--   target   another one
--   returns  a row (op, key, was, value) for every key that is added, removed or replaced, in the
--            order of the keys' bytes
create function private.object_changes(source jsonb, target jsonb)
returns table (op text, key text, was jsonb, value jsonb)
language plpgsql immutable
set search_path = ''
as $$
begin
  return query
    select case when s.key is null then 'add' when t.key is null then 'remove' else 'replace' end,
           coalesce(s.key, t.key), s.value, t.value
      from jsonb_each(source) as s
      full join jsonb_each(target) as t on t.key = s.key
     where s.key is null
        or t.key is null
        or s.value <> t.value
        or s.value::text <> t.value::text  -- 1 and 1.0
     order by coalesce(s.key, t.key) collate "C";
end;
$$;

-- What a parameter is called in a sentence.
--
--   key        its key in the document
--   parameter  its value
--   returns    'Duration filter', 'Payment order', or what a limit counts: 'Videos on a page'
create function private.parameter_name(key text, parameter jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  type  constant text := parameter ->> 'type';
  words constant text := translate(private.short_text(key), '_-', '  ');
  kind  constant text := case type when 'sort' then 'order' else type end;
begin
  if type = 'limit' and parameter ->> 'label' ~ '\S' then
    return private.short_text(parameter ->> 'label');
  end if;
  return upper(left(words, 1)) || substr(words, 2)
    || case
         when kind is null or words ~* ('\m(' || kind || '|' || type || ')$') then ''
         else ' ' || private.short_text(kind)
       end;
end;
$$;

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

-- What changed in the parameters of a document.
--
--   source   parameters by name
--   target   parameters by name
--   returns  sentences, in the order of the names: 'Duration filter: none → under 10 minutes'
create function private.parameter_sentences(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select case
             when c.nth >= 50 then ''
             when p.before <> p.after then concat_ws(
               '; ',
               format('%s: %s → %s', p.name, p.before, p.after),
               case
                 when jsonb_typeof(c.was) = 'object' and jsonb_typeof(c.value) = 'object' then
                   private.edit_phrases(c.was, c.value, said.keys)
               end
             )
             else format('Changed %s: %s', p.name, private.edit_phrases(c.was, c.value))
           end
      from private.object_changes(source, target) with ordinality as c (op, key, was, value, nth)
     cross join lateral (
       select private.parameter_name(c.key, coalesce(c.value, c.was)) as name,
              private.parameter_phrase(c.was) as before,
              private.parameter_phrase(c.value) as after
     ) as p
     cross join (select '{label,op,value,field,direction,type}'::text[] as keys) as said
     order by c.nth
  );
end;
$$;

-- What changed in a part of a document of which nothing else is known, by path.
--
--   name     the key of the part
--   source   its value before; SQL null: it was not there
--   target   its value after, of another text; SQL null: it is not there any more
--   summed   whether many changes are one sentence, which names the keys they are in
--   returns  sentences, empty from the 50th on
create function private.part_sentences(name text, source jsonb, target jsonb, summed boolean)
returns text[]
language plpgsql immutable
set search_path = ''
as $$
declare
  edits  jsonb[];
  places text[];
begin
  if source is null then
    return array[format('Added %s: %s', name, private.value_phrase(target))];
  elsif target is null then
    return array[format('Removed %s: %s', name, private.value_phrase(source))];
  end if;

  edits := (private.json_edits(source, target, few => 4)).edits;
  if edits[1] ->> 'path' = '' then
    return array[concat_ws(
      ': ', 'Changed ' || name, nullif(private.change_phrase(source, target), '')
    )];
  end if;

  if summed and cardinality(edits) > 3 then
    select array_agg(
             p.place || case when p.count > 1 then format(' (%s changes)', p.count) else '' end
             order by p.first
           )
      into places
      from (
        select private.short_text('/' || split_part(e.edit ->> 'path', '/', 2)) as place,
               count(*), min(e.nth) as first
          from unnest(edits) with ordinality as e (edit, nth)
         group by 1
      ) as p;
    return array[
      format('Changed %s at %s', name, array_to_string(places[:5], ', '))
      || case when cardinality(places) > 5
           then format(' and %s more places', cardinality(places) - 5) else '' end
    ];
  end if;

  return array(
    select case when e.nth < 50 then private.edit_sentence(name, e.edit) else '' end
      from unnest(edits) with ordinality as e (edit, nth)
     order by e.nth
  );
end;
$$;

-- Refuse a version that a composition does not have.
--
--   composition_id  a composition the caller may view
--   version         the version
--
-- Raises
--   PT404 version_not_found  always
create function private.refuse_version(composition_id uuid, version integer) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'composition % has no version %', composition_id, version using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'version_not_found'),
    hint    = 'Pick one that list_versions() returns.';
end;
$$;

-- Text as it fits into a sentence.
--
--   text     any text
--   longest  characters at most
--   returns  one line, cut with an ellipsis where it is too long
create function private.short_text(text text, longest integer default 60) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  line constant text := regexp_replace(left(short_text.text, 4 * longest), '\s+', ' ', 'g');
begin
  if length(line) <= longest and length(short_text.text) <= 4 * longest then
    return line;
  end if;
  return left(line, longest - 1) || '…';
end;
$$;

-- What changed in the sources of a document.
--
--   source   sources by name
--   target   sources by name
--   returns  sentences, in the order of the names, empty from the 50th on
create function private.source_sentences(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select case
             when c.nth >= 50 then ''
             else concat_ws(
               ': ',
               format(
                 '%s source “%s”',
                 case c.op when 'add' then 'Added' when 'remove' then 'Removed' else 'Changed' end,
                 private.short_text(c.key)
               ),
               case c.op
                 when 'replace' then private.edit_phrases(c.was, c.value)
                 else private.short_text(coalesce(c.value, c.was) ->> 'ref')
               end
             )
           end
      from private.object_changes(source, target) with ordinality as c (op, key, was, value, nth)
     order by c.nth
  );
end;
$$;

-- A JSON value as it is named in a sentence: a text in quotes, a number as it is, anything larger
-- by its name or its size.
--
--   value    any jsonb
--   returns  at most about 70 characters
create function private.value_phrase(value jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  type  constant text := jsonb_typeof(value);
  named text;
  size  integer;
begin
  if type = 'string' then
    return format('“%s”', private.short_text(value #>> '{}'));
  end if;

  if type = 'array' then
    size := jsonb_array_length(value);
    -- A few words or numbers are shorter than what could be said about them.
    if size between 1 and 4 and octet_length(value::text) <= 60
      and not jsonb_path_exists(value, '$[*] ? (@.type() == "object" || @.type() == "array")')
    then
      return (
        select string_agg(private.value_phrase(e.value), ', ' order by e.nth)
          from jsonb_array_elements(value) with ordinality as e (value, nth)
      );
    end if;
    return case size when 0 then 'an empty list' when 1 then '1 entry' else size || ' entries' end;
  end if;

  if type = 'object' then
    select value ->> k.key into named
      from unnest('{title,name,label,text,alias,path,call,id,type,component}'::text[])
             with ordinality as k (key, nth)
     where jsonb_typeof(value -> k.key) = 'string' and value ->> k.key <> ''
     order by k.nth
     limit 1;
    if named is not null then
      return format('“%s”', private.short_text(named));
    end if;
    size := (select count(*) from jsonb_object_keys(value));
    if size between 1 and 3 and octet_length(value::text) <= 60
      and not jsonb_path_exists(value, '$.* ? (@.type() == "object" || @.type() == "array")')
    then
      return (
        select string_agg(e.key || ' ' || private.value_phrase(e.value), ', ' order by e.key)
          from jsonb_each(value) as e
      );
    end if;
    return case size when 0 then 'an empty object' when 1 then '1 key' else size || ' keys' end;
  end if;

  return private.short_text(value::text);
end;
$$;

-- A version as answers show it, without its document.
--
--   version  a row of composition_versions that the caller may read
--   returns  {composition_id, version, content_hash, parent_version, kind, author_id, origin,
--            message, created_at, label}
create or replace function private.version_summary(version public.composition_versions)
returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'composition_id', version.composition_id,
    'version', version.version,
    'content_hash', encode(version.content_hash, 'hex'),
    'parent_version', version.parent_version,
    'kind', version.kind,
    'author_id', version.author_id,
    'origin', version.origin,
    'message', version.message,
    'created_at', version.created_at,
    'label', version.label
  );
$$;

-- What changed between two versions of a composition: for programs, and in sentences for people.
--
--   composition_id  a composition the caller may view
--   from_version    1, 2, 3 …
--   to_version      1, 2, 3 …; it may be the older one
--   returns         {patch: [{op, path, value?}], sentences: [text]}; both are empty when the
--                   documents are the same, and neither is when they are not
--
-- The patch is one of RFC 6902. Applied to the document of from_version, it makes that of
-- to_version exactly (private.json_diff()). The sentences are for reading alone
-- (private.diff_sentences()).
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       a version is null
--
-- Definer rights: callers may not call the helpers.
create function public.diff_versions(
  composition_id uuid,
  from_version   integer,
  to_version     integer
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  source jsonb;
  target jsonb;
begin
  perform private.require_composition_role(diff_versions.composition_id, 'viewer');

  if from_version is null or to_version is null then
    perform private.refuse_argument(
      '', case when from_version is null then 'from_version' else 'to_version' end
    );
  end if;

  source := public.get_version(diff_versions.composition_id, from_version) -> 'document';
  target := public.get_version(diff_versions.composition_id, to_version) -> 'document';

  return jsonb_build_object(
    'patch', private.json_diff(source, target),
    'sentences', private.diff_sentences(source, target)
  );
end;
$$;

-- Get one version of a composition, with its document.
--
--   composition_id  a composition the caller may view
--   version         1, 2, 3 …
--   returns         {composition_id, version, content_hash, parent_version, kind, author_id,
--                   origin, message, created_at, label, document}; parent_version may be gone
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT410 composition_trashed    in the trash
--
-- Definer rights: as load_composition().
create or replace function public.get_version(composition_id uuid, version integer) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found jsonb;
begin
  perform private.require_composition_role(get_version.composition_id, 'viewer');

  select jsonb_set(private.version_summary(v), '{document}', d.document)
    into found
    from public.composition_versions as v
    join public.compositions as d on d.content_hash = v.content_hash
   where v.composition_id = get_version.composition_id
     and v.version = get_version.version;

  if found is null then
    perform private.refuse_version(get_version.composition_id, get_version.version);
  end if;
  return found;
end;
$$;

-- Give a version a name that people find it by; a version with a label is kept for good.
--
--   composition_id  a composition the caller may edit
--   version         1, 2, 3 …
--   label           1 to 100 characters; null: none
--   returns         {composition_id, version, content_hash, parent_version, kind, author_id,
--                   origin, message, created_at, label}
--
-- Neither updated_at nor the etag of the composition changes: its head and its metadata are the
-- same.
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       the label is too long, or blank
--
-- Definer rights: nobody may write versions in any other way.
create function public.label_version(composition_id uuid, version integer, label text)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  labelled public.composition_versions;
  broken   text;
begin
  perform private.lock_composition(label_version.composition_id, 'editor');

  update public.composition_versions as v
     set label = label_version.label
   where v.composition_id = label_version.composition_id
     and v.version = label_version.version
  returning v.* into labelled;

  if labelled.version is null then
    perform private.refuse_version(label_version.composition_id, label_version.version);
  end if;
  return private.version_summary(labelled);
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;

-- Delete versions that are kept no longer: older than version_retention_days, without a label, and
-- not among the newest min_versions_kept of their composition, so never a head. For a scheduled
-- job, which calls again while there is more.
--
--   row_limit  how many at most, 1 to 10000, the oldest first
--   returns    {purged: how many, more: whether another call would find more}
--
-- Raises
--   PT422 invalid_argument  row_limit is out of range
--
-- It waits for nobody: the versions of a composition that someone is changing are left for a later
-- call, whether that is a saver or another run of this one.
--
-- Definer rights: service_role has no right to any table.
create function public.purge_versions(row_limit integer default 1000) returns jsonb
language plpgsql volatile security definer
set search_path = ''
set plan_cache_mode = force_custom_plan  -- a plan for any settings took fifty times as long
as $$
declare
  -- The longest retention that can be counted back from now.
  days    constant integer := least(private.setting('version_retention_days'), 700000);
  kept    constant bigint := private.setting('min_versions_kept');
  ids     uuid[];
  numbers integer[];
  locked  uuid[];
  purged  integer;
begin
  if row_limit is null or row_limit not between 1 and 10000 then
    raise exception 'row_limit is from 1 to 10000, not %', row_limit using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'row_limit'),
      hint    = 'Purge 1 to 10000 versions at a time.';
  end if;

  select array_agg(f.composition_id), array_agg(f.version) into ids, numbers
    from (
      select v.composition_id, v.version
        from public.user_compositions as c
       cross join lateral (
         select n.version
           from public.composition_versions as n
          where n.composition_id = c.id
          order by n.version desc
         offset kept - 1
          limit 1
       ) as oldest_kept
        join public.composition_versions as v
          on v.composition_id = c.id and v.version < oldest_kept.version
       where c.current_version > kept
         and v.label is null
         and v.created_at < now() - make_interval(days => days)
       order by v.created_at, v.composition_id, v.version
       limit row_limit + 1
    ) as f;

  -- Their order does not matter: it waits for none of them.
  locked := array(
    select c.id
      from public.user_compositions as c
     where c.id = any (ids[:row_limit])
       for no key update skip locked
  );

  -- The label once more: whoever set one held the lock.
  delete from public.composition_versions as v
   using unnest(ids[:row_limit], numbers[:row_limit]) as f (composition_id, version)
   where v.composition_id = f.composition_id
     and v.version = f.version
     and v.composition_id = any (locked)
     and v.label is null;
  get diagnostics purged = row_count;

  return jsonb_build_object(
    'purged', purged, 'more', purged > 0 and cardinality(ids) > row_limit
  );
end;
$$;

-- The API: signed-in people.
grant execute on function
  public.diff_versions(uuid, integer, integer),
  public.label_version(uuid, integer, text)
to authenticated;

-- Jobs: a scheduler with the service key.
grant execute on function
  public.purge_versions(integer)
to service_role;
