-- Three-way merge of documents.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- What tells the elements of an array apart.
--
--   list     an array
--   returns  'id': all are objects with an id, a string or a number, that no other has; 'string':
--            all are strings, none twice; 'any': there are none; null: their place alone
create function private.keyed_by(list jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  case jsonb_typeof(list -> 0)
    when 'object' then
      return (
        select 'id'
          from jsonb_array_elements(list) as e (value)
        having count(*) = count(distinct e.value ->> 'id' collate "C")
                 filter (where jsonb_typeof(e.value -> 'id') in ('string', 'number'))
      );
    when 'string' then
      return (
        select 'string'
          from jsonb_array_elements(list) as e (value)
        having count(*) = count(distinct e.value #>> '{}' collate "C")
                 filter (where jsonb_typeof(e.value) = 'string')
      );
    else
      return case when list = '[]' then 'any' end;
  end case;
end;
$$;

-- A keyed array with the elements and the order that a merge ends up with.
--
--   base      an array of that kind, or null
--   head      another one
--   mine      another one
--   kind      private.merge_kind() of the three
--   keys      elements that end up otherwise than in the head …
--   vals      … and what they end up as; null: gone
--   merged    the array
--   disorder  {base, head, mine}: ids in the order of each, where both sides changed it; null: none
--
-- Who changed the order alone has it their way. An element that only the other side has follows
-- the same element as there, after those that were put there by the first.
create function private.merge_array(
  base         jsonb,
  head         jsonb,
  mine         jsonb,
  kind         text,
  keys         text[],
  vals         jsonb[],
  out merged   jsonb,
  out disorder jsonb
)
language plpgsql immutable
set search_path = ''
as $$
declare
  verdict constant text := private.merge_order(base, head, mine, kind);
begin
  if verdict = 'both' then
    disorder := jsonb_build_object(
      'base', private.merge_ids(base, kind),
      'head', private.merge_ids(head, kind),
      'mine', private.merge_ids(mine, kind)
    );
  end if;

  -- Not jsonb_agg(), whose time grows with the square of what one large value holds.
  merged := to_jsonb(array(
    with ranked as (
      select coalesce(f.key, s.key) as key,
             f.nth as first_nth,
             s.nth as second_nth,
             -- How many that both have come before, and this one: in the order of the first …
             count(s.nth) over (order by f.nth) as slot,
             -- … and in that of the second.
             count(f.nth) over (order by s.nth) as run
        from private.merge_parts(case verdict when 'mine' then mine else head end, kind) as f
        full join private.merge_parts(case verdict when 'mine' then head else mine end, kind) as s
          on s.key = f.key
    ),
    placed as (
      select r.key, r.first_nth, r.second_nth,
             case when r.first_nth is not null then r.slot
                  when r.run = 0 then 0
                  else first_value(r.slot) over (
                         partition by r.second_nth is null, r.run order by r.second_nth
                       )
             end as slot
        from ranked as r
    )
    select case when c.key is null then h.value else c.value end
      from placed as p
      full join private.merge_parts(head, kind) as h on h.key = p.key
      full join unnest(keys, vals) as c (key, value) on c.key = p.key
     where case when c.key is null then h.value else c.value end is not null
     order by p.slot, p.first_nth is null, p.first_nth, p.second_nth
  ));
end;
$$;

-- One conflict of a merge.
--
--   path     keys that lead to it, outermost first
--   kind     'both_changed', 'delete_edit' or 'edit_delete'
--   base     what stood there before; null: nothing
--   head     what the head has there; null: nothing
--   mine     what stands there in mine; null: nothing
--   returns  {path, kind, base?, head?, mine?}
create function private.merge_conflict(
  path text[],
  kind text,
  base jsonb,
  head jsonb,
  mine jsonb
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    select jsonb_object_agg(f.name, f.value) filter (where f.value is not null)
      from (values
        ('path', to_jsonb(coalesce(private.pointer(variadic merge_conflict.path), ''))),
        ('kind', to_jsonb(merge_conflict.kind)),
        ('base', merge_conflict.base),
        ('head', merge_conflict.head),
        ('mine', merge_conflict.mine)
      ) as f (name, value)
  );
end;
$$;

-- Merge documents (private.merge_json()) into one that is valid.
--
--   base        the document that both started from
--   head        what one of them made of it: a valid document
--   mine        what the other made of it: a valid document
--   keep_edits  whether what mine edits stays where the head deletes it
--   merged      a valid document; null: there is none
--   conflicts   as there; without merged, one more: {path: '', kind: 'structure', problems}. The
--               changes of both, each without fault, may not go together: one moves a component
--               into another that the other one deletes
create function private.merge_documents(
  base          jsonb,
  head          jsonb,
  mine          jsonb,
  keep_edits    boolean default true,
  out merged    jsonb,
  out conflicts jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := '[]';
begin
  select m.merged, m.conflicts into merged, conflicts
    from private.merge_json(base, head, mine, keep_edits) as m;

  if not record_image_eq(row (merged), row (head)) and not record_image_eq(row (merged), row (mine))
  then
    problems := private.document_problems(merged);
  end if;

  if problems <> '[]' then
    merged := null;
    conflicts := conflicts || jsonb_build_object(
      'path', '', 'kind', 'structure', 'problems', problems
    );
  end if;
end;
$$;

-- The ids of a keyed array, in order.
--
--   list     a keyed array, or null
--   kind     private.merge_kind() of it
--   returns  array of strings and numbers
create function private.merge_ids(list jsonb, kind text) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return to_jsonb(array(
    select case kind when 'id' then e.value -> 'id' else e.value end
      from jsonb_array_elements(list) with ordinality as e (value, nth)
     order by e.nth
  ));
end;
$$;

-- What two people made of the same JSON value, in one: a three-way merge.
--
--   base        any jsonb that both started from; null: it was not there, which is not JSON's null
--   head        what one of them made of it; null: it is gone
--   mine        what the other made of it; null: it is gone
--   keep_edits  whether what mine edits stays where the head deletes it
--   merged      the value that has the changes of both; null: it is gone
--   conflicts   array of {path, kind, base?, head?, mine?}, at most 100, empty when nothing of
--               either side is lost; path is private.pointer(), with elements of keyed arrays by
--               their id
--
-- The rules (docs/merge.md): what is the same on both sides, or changed by one of them, is that.
-- Objects are merged key by key, keyed arrays element by element (private.merge_kind()); any other
-- value is one piece. What cannot have both changes is flagged:
--
--   both_changed  the head's value stays
--   delete_edit   mine deletes what the head edits: the edit stays
--   edit_delete   mine edits what the head deletes: the edit stays, unless keep_edits says no
--   order         both put the same elements into another order: the head's order stays; base, head
--                 and mine are ids then
--
-- Exact as private.json_diff(): 1 and 1.0 are different. The work is bounded whatever the values
-- are: at most 4,000 objects and arrays that both changed are looked into, 100 levels deep. What
-- the bounds leave out is one piece.
create function private.merge_json(
  base          jsonb,
  head          jsonb,
  mine          jsonb,
  keep_edits    boolean default true,
  out merged    jsonb,
  out conflicts jsonb
)
language plpgsql immutable
set search_path = ''
as $$
declare
  whole record := private.merge_values(base, head, mine, keep_edits);
begin
  merged := whole.merged;
  conflicts := to_jsonb(whole.conflicts);
end;
$$;

-- As what three values are merged part by part.
--
--   base     any jsonb, or null: it was not there, and is as empty as the others need
--   head     any jsonb, or null
--   mine     any jsonb, or null
--   returns  'object': key by key; 'id': arrays of objects that each have an id of their own;
--            'string': arrays of strings, none twice; null: not at all
create function private.merge_kind(base jsonb, head jsonb, mine jsonb) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  type  constant text := jsonb_typeof(head);
  keyed text[];
begin
  if type <> jsonb_typeof(mine) or type <> jsonb_typeof(base) or mine is null then
    return null;
  elsif type = 'object' then
    return 'object';
  elsif type = 'array' then
    keyed := array[
      private.keyed_by(coalesce(base, '[]')), private.keyed_by(head), private.keyed_by(mine)
    ];
    return case
      when 'id' = all (array_remove(keyed, 'any')) then 'id'
      when 'string' = all (array_remove(keyed, 'any')) then 'string'
    end;
  end if;
  return null;
end;
$$;

-- An object with some of its keys changed.
--
--   head     an object
--   keys     keys that end up otherwise …
--   vals     … and what they end up as; null: gone
--   returns  the object
create function private.merge_object(head jsonb, keys text[], vals jsonb[]) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if keys = '{}' then
    return head;
  end if;
  return (
    select coalesce(
             jsonb_object_agg(
               coalesce(c.key, h.key), case when c.key is null then h.value else c.value end
             ) filter (where c.key is null or c.value is not null),
             '{}'
           )
      from jsonb_each(head) as h
      full join unnest(keys, vals) as c (key, value) on c.key = h.key
  );
end;
$$;

-- Whose order of the elements that both sides have holds.
--
--   base     a keyed array, or null
--   head     another one
--   mine     another one
--   kind     private.merge_kind() of the three
--   returns  'head'; 'mine', which alone changed it; 'both', which changed it differently, or added
--            the same elements in another order
create function private.merge_order(base jsonb, head jsonb, mine jsonb, kind text) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    with places as (
      select h.nth as head_nth, m.nth as mine_nth, b.nth as base_nth,
             lag(m.nth) over (order by h.nth) as mine_nth_before,
             lag(h.nth) over (partition by b.nth is null order by b.nth) as head_nth_in_base,
             lag(m.nth) over (partition by b.nth is null order by b.nth) as mine_nth_in_base
        from private.merge_parts(head, kind) as h
        join private.merge_parts(mine, kind) as m on m.key = h.key
        full join private.merge_parts(base, kind) as b on b.key = h.key
       where h.nth is not null
    ),
    changes as (
      select coalesce(bool_or(p.mine_nth < p.mine_nth_before), false) as differ,
             coalesce(bool_or(p.head_nth < p.head_nth_in_base and p.base_nth is not null), false)
               as by_head,
             coalesce(bool_or(p.mine_nth < p.mine_nth_in_base and p.base_nth is not null), false)
               as by_mine
        from places as p
    )
    select case when c.differ and c.by_head = c.by_mine then 'both'
                when c.differ and c.by_mine then 'mine'
                else 'head' end
      from changes as c
  );
end;
$$;

-- The parts that a value is merged by.
--
--   whole    an object or an array; null: there are none
--   kind     private.merge_kind() of it
--   returns  a row (key, nth, value) a part; nth is its place in an array, counted from 1
create function private.merge_parts(whole jsonb, kind text)
returns table (key text, nth bigint, value jsonb)
language plpgsql immutable
set search_path = ''
as $$
begin
  case kind
    when 'object' then
      return query select o.key, 0::bigint, o.value from jsonb_each(merge_parts.whole) as o;
    when 'id' then
      return query
        select e.value ->> 'id', e.nth, e.value
          from jsonb_array_elements(merge_parts.whole) with ordinality as e (value, nth);
    else
      return query
        select e.value #>> '{}', e.nth, e.value
          from jsonb_array_elements(merge_parts.whole) with ordinality as e (value, nth);
  end case;
end;
$$;

-- Merge a value and all that is in it: what private.merge_json() is made of, which has the rules.
--
--   base, head, mine, keep_edits
--              as there
--   path       keys that lead to the value, outermost first
--   budget     steps of work that may be spent, about a microsecond each; comes back reduced
--   merged     as there
--   conflicts  as there, no more than room
--   room       how many conflicts may be listed; comes back reduced
--
-- Records are compared by their bytes: 1 and 1.0 differ, nothing has to be turned into text, and a
-- null is the same as another.
create function private.merge_values(
  base          jsonb,
  head          jsonb,
  mine          jsonb,
  keep_edits    boolean,
  path          text[] default '{}',
  inout budget  integer default 400000,
  inout room    integer default 100,
  out merged    jsonb,
  out conflicts jsonb[]
)
language plpgsql immutable
set search_path = ''
as $$
declare
  kind   text;
  part   record;
  inner_ record;
  keys   text[] := '{}';   -- parts that end up otherwise than in the head …
  vals   jsonb[] := '{}';  -- … and what they end up as; null: gone
begin
  conflicts := '{}';
  if record_image_eq(row (head), row (mine)) or record_image_eq(row (base), row (mine)) then
    merged := head;
    return;
  elsif record_image_eq(row (base), row (head)) then
    merged := mine;
    return;
  end if;

  if budget > 0 and cardinality(path) < 100 then
    kind := private.merge_kind(base, head, mine);
  end if;

  if kind is null then
    merged := case when head is null and keep_edits then mine else head end;
    if room > 0 then
      room := room - 1;
      conflicts := array[private.merge_conflict(
        path,
        case when head is null then 'edit_delete' when mine is null then 'delete_edit'
             else 'both_changed' end,
        base, head, mine
      )];
    end if;
    return;
  end if;

  -- A call of its own, and one look at all three.
  budget := budget - 100
    - (coalesce(pg_column_size(base), 0) + pg_column_size(head) + pg_column_size(mine)) / 500;

  for part in
    select coalesce(m.key, b.key) as key, b.value as base, h.value as head, m.value as mine
      from private.merge_parts(base, kind) as b
      full join private.merge_parts(mine, kind) as m on m.key = b.key
      full join private.merge_parts(head, kind) as h on h.key = coalesce(m.key, b.key)
     where not record_image_eq(row (m.value), row (b.value))
       and not record_image_eq(row (m.value), row (h.value))
     order by coalesce(m.key, b.key) collate "C"
  loop
    inner_ := private.merge_values(
      part.base, part.head, part.mine, keep_edits, path || part.key, budget, room
    );
    budget := inner_.budget;
    room := inner_.room;
    conflicts := conflicts || inner_.conflicts;
    if not record_image_eq(row (inner_.merged), row (part.head)) then
      keys := array_append(keys, part.key);
      vals := array_append(vals, inner_.merged);
    end if;
  end loop;

  if kind = 'object' then
    merged := private.merge_object(head, keys, vals);
  else
    inner_ := private.merge_array(base, head, mine, kind, keys, vals);
    merged := inner_.merged;
    if inner_.disorder is not null and room > 0 then
      room := room - 1;
      conflicts := array_append(conflicts, jsonb_build_object(
        'path', coalesce(private.pointer(variadic path), ''), 'kind', 'order'
      ) || inner_.disorder);
    end if;
  end if;
end;
$$;
