-- Stale saves are merged: three-way merges, and versions that keep what could not be merged.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Append a version to a composition and make it the head.
--
--   composition_id  a composition the caller may edit
--   base_version    the head the edit started from; null: whatever is the head now
--   document        a composition document (docs/document.md)
--   kind            what the version is: a value of composition_versions.kind
--   origin          who made it and how: {"kind": …}
--   message         what changed, in words; null: nothing to say
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       the message is too long
--
-- Definer rights: callers may not lock rows or write versions.
create or replace function private.append_version(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  kind           text,
  origin         jsonb,
  message        text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  head public.user_compositions;
begin
  -- Before the lock: nobody waits while a large document is checked.
  perform private.require_valid_document(append_version.document);

  -- Savers queue here, so the second of two sees the first one's head.
  head := private.lock_composition(append_version.composition_id, 'editor');
  if head.current_version <> append_version.base_version then
    perform private.refuse_stale(head, append_version.base_version);
  end if;

  return private.write_summary((
    private.insert_version(
      head, append_version.document, append_version.kind, append_version.origin,
      append_version.message, head.current_version
    )
  ).changed);
end;
$$;

-- The compositions of a person with their histories, for export_my_data().
--
--   user_id        the person, who is the caller
--   after_id       where the page before ended: a composition …
--   after_version  … and a version of it
--   row_limit      at most so many compositions
--   byte_limit     at most so many bytes of text, or one version that is larger
--   returns        {compositions, next}; next: where this page ends, or null: that was all
--
-- Definer rights: as export_my_data().
create or replace function private.exported_compositions(
  user_id       uuid,
  after_id      uuid,
  after_version integer,
  row_limit     integer,
  byte_limit    integer
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
  saved       record;
  about       jsonb;
  item        jsonb;
  items       jsonb[] := '{}';
  versions    jsonb[];
  bytes       integer := 0;
  last_id     uuid := after_id;
  last        integer := after_version;
  is_full     boolean := false;
begin
  for composition in
    select c.*
      from public.user_compositions as c
     where c.owner_id = exported_compositions.user_id
       and (
         c.id > after_id
         or c.id = after_id and exists (
              select from public.composition_versions as v
               where v.composition_id = c.id and v.version > after_version
            )
       )
     order by c.id
     limit row_limit + 1
  loop
    is_full := cardinality(items) = row_limit;
    exit when is_full;

    about := (private.composition_summary(composition, 'owner') - '{role,etag}'::text[])
      || jsonb_build_object(
        'created_at', composition.created_at, 'deleted_at', composition.deleted_at
      );
    bytes := bytes + octet_length(about::text);
    versions := '{}';

    for saved in
      select v as version, d.document
        from public.composition_versions as v
        join public.compositions as d on d.content_hash = v.content_hash
       where v.composition_id = composition.id
         and (composition.id <> after_id or v.version > after_version)
       order by v.version
    loop
      item := jsonb_set(private.version_summary(saved.version), '{document}', saved.document);
      bytes := bytes + octet_length(item::text);
      is_full := bytes > byte_limit and cardinality(items) + cardinality(versions) > 0;
      exit when is_full;

      versions := array_append(versions, item);
      last_id := composition.id;
      last := (saved.version).version;
    end loop;

    if cardinality(versions) > 0 or not is_full then
      items := array_append(items, jsonb_set(about, '{versions}', to_jsonb(versions)));
    end if;
    exit when is_full;
    last_id := composition.id;
  end loop;

  return jsonb_build_object(
    'compositions', to_jsonb(items),
    'next', case when is_full then format('compositions_%s_%s', last_id, last) end
  );
end;
$$;

-- Append a version to a composition and make it the head, unless it is a conflict.
--
--   composition     the row, locked
--   document        a valid document
--   kind            what the version is: a value of composition_versions.kind
--   origin          who made it and how: {"kind": …}
--   message         what changed, in words; null: nothing to say
--   parent_version  what the document was made from; 0: nothing
--   version         its number: one more than the greatest there is, which is the head's or that of
--                   a conflict after it
--   changed         the row as it is now
--
-- Raises
--   PT422 invalid_argument  the message is too long
--
-- Definer rights: nobody may write versions or move a head in any other way.
create function private.insert_version(
  composition    public.user_compositions,
  document       jsonb,
  kind           text,
  origin         jsonb,
  message        text,
  parent_version integer,
  out version    integer,
  out changed    public.user_compositions
)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hash   bytea := private.store_document(insert_version.document);
  broken text;
begin
  insert into public.composition_versions as v
    (composition_id, version, content_hash, parent_version, kind, origin, message)
  select composition.id, coalesce(max(n.version), 0) + 1, hash,
         nullif(insert_version.parent_version, 0), insert_version.kind, insert_version.origin,
         insert_version.message
    from public.composition_versions as n
   where n.composition_id = composition.id
  returning v.version into insert_version.version;

  changed := composition;
  if insert_version.kind <> 'conflict' then
    update public.user_compositions as c
       set current_version = insert_version.version, current_hash = hash
     where c.id = composition.id
    returning c.* into changed;
  end if;
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;

-- Keep a document that could not be merged, whole, as a version that is not the head.
--
--   composition   the row, locked
--   base_version  the version that the document started from
--   document      a valid document
--   origin        who made it and how: {"kind": …}
--   message       what changed, in words; null: nothing to say
--   returns       its number; what the caller kept already, the same document from the same version,
--                 is not kept twice
--
-- Raises
--   PT422 invalid_argument  the message is too long
--
-- Definer rights: nobody may write versions in any other way.
create function private.keep_conflict(
  composition  public.user_compositions,
  base_version integer,
  document     jsonb,
  origin       jsonb,
  message      text
) returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return coalesce(
    (
      select min(v.version)
        from public.composition_versions as v
       where v.composition_id = composition.id
         and v.content_hash = private.content_hash(keep_conflict.document)
         and v.parent_version = base_version
         and v.kind = 'conflict'
         and v.author_id = auth.uid()
    ),
    (
      private.insert_version(
        composition, keep_conflict.document, 'conflict', keep_conflict.origin,
        keep_conflict.message, base_version
      )
    ).version
  );
end;
$$;

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
     order by p.slot, p.first_nth, p.second_nth
  ));
end;
$$;

-- The version that an edit is merged from.
--
--   composition_id  a composition
--   base_version    the version that the edit started from
--   version         that version; of a conflict, which never was the head, the one that it started
--                   from in turn; null: it is gone, or never was
--   document        its document
--
-- Definer rights: as save_document().
create function private.merge_base(
  composition_id uuid,
  base_version   integer,
  out version    integer,
  out document   jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  select b.version, d.document into merge_base.version, merge_base.document
    from public.composition_versions as v
    join public.composition_versions as b
      on b.composition_id = v.composition_id
     and b.version = case v.kind when 'conflict' then v.parent_version else v.version end
    join public.compositions as d on d.content_hash = b.content_hash
   where v.composition_id = merge_base.composition_id
     and v.version = merge_base.base_version;
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
  -- Not jsonb_object_agg(), whose time grows with the square of what one large value holds.
  return jsonb_build_object(
      'path', coalesce(private.pointer(variadic merge_conflict.path), ''),
      'kind', merge_conflict.kind
    )
    || case when base is null then '{}' else jsonb_build_object('base', base) end
    || case when head is null then '{}' else jsonb_build_object('head', head) end
    || case when mine is null then '{}' else jsonb_build_object('mine', mine) end;
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
-- are: at most 4,000 objects and arrays that both changed are looked into, 100 levels deep, and no
-- arrays that have 80,000 elements together. What the bounds leave out is one piece.
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
  if mine is null or type <> jsonb_typeof(mine) or type <> jsonb_typeof(base) then
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
  side   jsonb;
  cost   integer;
  part   record;
  inner_ record;
  result jsonb;
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

  -- A call of its own, one look at all three, and more than one at each element.
  cost := 100;
  foreach side in array array[base, head, mine] loop
    cost := cost + coalesce(pg_column_size(side) / 100, 0)
      + case jsonb_typeof(side) when 'array' then 5 * jsonb_array_length(side) else 0 end;
  end loop;
  if cost < budget and cardinality(path) < 100 then
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

  budget := budget - cost;
  for part in
    select coalesce(m.key, b.key) as key, b.value as base, h.value as head, m.value as mine
      from private.merge_parts(base, kind) as b
      full join private.merge_parts(mine, kind) as m on m.key = b.key
      full join private.merge_parts(head, kind) as h on h.key = coalesce(m.key, b.key)
     where not record_image_eq(row (m.value), row (b.value))
       and not record_image_eq(row (m.value), row (h.value))
     order by coalesce(m.key, b.key) collate "C"
  loop
    result := part.mine;
    if not record_image_eq(row (part.base), row (part.head)) then
      inner_ := private.merge_values(
        part.base, part.head, part.mine, keep_edits, path || part.key, budget, room
      );
      budget := inner_.budget;
      room := inner_.room;
      conflicts := conflicts || inner_.conflicts;
      continue when record_image_eq(row (inner_.merged), row (part.head));
      result := inner_.merged;
    end if;
    keys := array_append(keys, part.key);
    vals := array_append(vals, result);
  end loop;

  if kind = 'object' then
    merged := private.object_of(head, keys, vals);
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

-- Refuse what was made from another version than the head.
--
--   composition   the row
--   base_version  the version that it was made from
--
-- Raises
--   PT409 version_conflict  always, with the head
create function private.refuse_stale(composition public.user_compositions, base_version integer)
returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'composition % is at version %, not %',
    composition.id, composition.current_version, base_version using
    errcode = 'PT409',
    detail  = jsonb_build_object(
      'code', 'version_conflict', 'head_version', composition.current_version
    ),
    hint    = 'Load the head, apply the change to it, and save again.';
end;
$$;

-- Save a document: on the head that it was made from, or, where others have saved since, merged
-- into what they made of it.
--
--   composition_id  a composition the caller may edit
--   base_version    the version that the edit started from
--   document        a composition document (docs/document.md)
--   kind            what the version is if it needs no merge: a value of composition_versions.kind
--   origin          how it came to be, as the caller says; null: a person made it
--   message         what changed, in words; null: nothing to say
--   on_conflict     'reject': a stale save is refused; 'merge': it is merged (docs/merge.md)
--   returns         {composition_id, version, content_hash, title, updated_at, merged?, conflicts?,
--                   conflict_version?}; merged says how a stale save went: true, version is the
--                   merge; or false, version is still the head, nothing of which changed, and the
--                   document is kept as conflict_version
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read; to be merged, but
--                                base_version is gone, or never was
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       base_version is null, the message is too long, or on_conflict or
--                                origin is not known
--
-- A merge that is flagged succeeds: a refusal would take the version with it that keeps the work.
--
-- Definer rights: callers may not lock rows or write versions.
create function private.save_document(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  kind           text,
  origin         jsonb,
  message        text,
  on_conflict    text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  facts jsonb := private.version_origin(save_document.origin);
  head  public.user_compositions;
  base  record;
  merge record;
begin
  if save_document.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;
  if save_document.on_conflict is null or save_document.on_conflict not in ('reject', 'merge') then
    raise exception 'on_conflict is not known' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'on_conflict',
        'allowed', '["reject", "merge"]'::jsonb
      ),
      hint    = 'Leave on_conflict out, or send an allowed value.';
  end if;
  -- Before the lock: nobody waits while a large document is checked.
  perform private.require_valid_document(save_document.document);

  -- Savers queue here, so the second of two sees the first one's head.
  head := private.lock_composition(save_document.composition_id, 'editor');
  if head.current_version = save_document.base_version then
    return private.write_summary((
      private.insert_version(
        head, save_document.document, save_document.kind, facts, save_document.message,
        head.current_version
      )
    ).changed);
  end if;

  base := private.merge_base(head.id, save_document.base_version);
  if save_document.on_conflict = 'reject' or base.version is null then
    perform private.refuse_stale(head, save_document.base_version);
  end if;

  select m.merged, m.conflicts into merge
    from public.compositions as d
   cross join lateral private.merge_documents(base.document, d.document, save_document.document)
      as m
   where d.content_hash = head.current_hash;

  if merge.conflicts <> '[]' then
    return private.write_summary(head) || jsonb_build_object(
      'merged', false,
      'conflicts', merge.conflicts,
      'conflict_version', private.keep_conflict(
        head, base.version, save_document.document, facts, save_document.message
      )
    );
  end if;

  return private.write_summary((
    private.insert_version(
      head, merge.merged, 'merge',
      private.version_origin(
        save_document.origin, 'merge', jsonb_build_object('base_version', base.version)
      ),
      save_document.message, head.current_version
    )
  ).changed) || '{"merged": true}';
end;
$$;

-- What would become of a save that is stale: the head as it is, and both in one.
--
--   composition_id  a composition the caller may view
--   base_version    the version the edit started from
--   document        a composition document (docs/document.md); null: patch says what it would be
--   patch           what changes on base_version; null: the document says it
--   format          of the patch: 'json-patch' (RFC 6902) or 'merge-patch' (RFC 7396)
--   returns         {current, merged?, conflicts}
--
--   current    what load_composition() answers, without layers
--   merged     a valid document that has the changes of both; where conflicts say that both changed
--              the same, what the rules keep there (docs/merge.md). There is none where the two do
--              not go together, and none where base_version is gone, or never was
--   conflicts  [{path, kind, base?, head?, mine?, problems?}], as save_version() answers them
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--   PT409 patch_path_not_found   the patch names a place that base_version does not have
--   PT409 patch_test_failed      base_version is not what the patch expects
--   PT422 invalid_patch          the patch is malformed, or too large
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       base_version is null, both or none of document and patch are, or
--                                format is not known
--
-- Definer rights: callers may not call the helpers.
create function public.preview_merge(
  composition_id uuid,
  base_version   integer,
  document       jsonb default null,
  patch          jsonb default null,
  format         text default 'json-patch'
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  -- It asks for the role.
  current constant jsonb := public.load_composition(
    preview_merge.composition_id, layered => false
  );
  answer  jsonb := jsonb_build_object('conflicts', '[]'::jsonb);
  mine    jsonb := preview_merge.document;
  base    record;
  merge   record;
begin
  if base_version is null or (document is null) = (patch is null) then
    perform private.refuse_argument(
      '', case when base_version is null then 'base_version' else 'document' end
    );
  end if;

  base := private.merge_base(preview_merge.composition_id, preview_merge.base_version);
  if base.version is not null then
    if mine is null then
      mine := private.apply_patch(base.document, patch, format);
    end if;
    perform private.require_valid_document(mine);
    select m.merged, m.conflicts into merge
      from private.merge_documents(base.document, current -> 'document', mine) as m;
    answer := jsonb_build_object('conflicts', merge.conflicts);
    if merge.merged is not null then
      answer := jsonb_set(answer, '{merged}', merge.merged);
    end if;
  end if;
  -- Not ||, which would copy the documents twice.
  return jsonb_set(answer, '{current}', current);
end;
$$;

-- Purge what has been in the trash for longer than trash_days (private.settings), the oldest first,
-- and collect content that had to be passed over before. For a scheduled job, which calls again
-- while there is more.
--
--   row_limit  1 to 200 compositions
--   returns    {purged, content_collected, more}: how many compositions, how much content that had
--              been passed over, and whether a full load was done
--
-- Raises
--   PT422 invalid_argument  row_limit is out of range
--
-- In passing it deletes what caches never took out of the outbox (private.forget_invalidations()).
--
-- One run takes fewer compositions when they have long histories, and stays within the statement
-- timeout of the API. Runs at the same time share the work. What somebody holds, such as a
-- composition that is just being taken out of the trash, is left for the next run.
--
-- Definer rights: nobody may delete compositions in any other way.
create or replace function public.purge_trash(row_limit integer default 100) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  page     constant integer := private.row_limit(purge_trash.row_limit);
  versions constant integer := 5000;
  contents constant integer := 5000;
  -- Within what a timestamp can hold, however long an operator wants to keep things.
  overdue  constant timestamptz :=
    now() - least(private.setting('trash_days'), 1000000) * '1 day'::interval;
  held     uuid[];
  due      uuid[];
  noted    bigint[];
  again    bytea[];
begin
  perform private.forget_invalidations();

  held := array(
    select c.id
      from public.user_compositions as c
     where c.deleted_at < overdue
     order by c.deleted_at
     limit page
       for update skip locked
  );
  due := array(
    select s.id
      from (
        select c.id, sum(v.newest) over (order by c.deleted_at, c.id) as total,
               row_number() over (order by c.deleted_at, c.id) as nth
          from public.user_compositions as c
         cross join lateral (
            select coalesce(max(n.version), 0) as newest
              from public.composition_versions as n
             where n.composition_id = c.id
         ) as v
         where c.id = any (held)
      ) as s
     where s.nth = 1 or s.total <= versions
  );
  delete from public.user_compositions as c where c.id = any (due);

  noted := array(
    select p.id
      from private.passed_over_content as p
     order by p.id
     limit contents
       for update skip locked
  );
  again := array(
    select p.content_hash from private.passed_over_content as p where p.id = any (noted)
  );
  delete from private.passed_over_content as p where p.id = any (noted);

  return jsonb_build_object(
    'purged', cardinality(due),
    'content_collected', private.collect_content(again),
    'more', cardinality(due) = page
            or cardinality(due) < cardinality(held)
            or cardinality(noted) = contents
  );
end;
$$;

-- Delete versions that are kept no longer: older than version_retention_days, without a label, not
-- among the newest min_versions_kept of their composition, and no head. For a scheduled job, which
-- calls again while there is more.
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
create or replace function public.purge_versions(row_limit integer default 1000) returns jsonb
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
          on v.composition_id = c.id
         and v.version < oldest_kept.version
         and v.version <> c.current_version
       where (
               c.current_version > kept
               -- The only versions that come after a head.
               or c.id in (
                    select n.composition_id
                      from public.composition_versions as n
                     where n.kind = 'conflict'
                  )
             )
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

-- Append a version to a composition and make it the head.
--
--   composition_id  a composition the caller may edit
--   base_version    the version the edit started from
--   document        a composition document (docs/document.md)
--   message         what changed, in words; null: nothing to say
--   on_conflict     where base_version is not the head any more: 'reject', the save is refused;
--                   'merge', it is merged (docs/merge.md)
--   origin          how it came to be (docs/history.md); null: a person made it
--   returns         {composition_id, version, content_hash, title, updated_at, merged?, conflicts?,
--                   conflict_version?}
--
-- Where it was merged, merged is true and version is the merge. Where it could not be, merged is
-- false, nothing of the head changed, version is still the head, conflicts say where both changed
-- the same (docs/merge.md), and the whole document is kept as conflict_version, which
-- restore_version() would make the head.
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read; to be merged, but
--                                base_version is gone, or never was
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       base_version is null, the message is too long, or on_conflict or
--                                origin is not known
--
-- Definer rights: callers may not call private.save_document(), which checks them.
create or replace function public.save_version(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  message        text default null,
  on_conflict    text default 'reject',
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return private.save_document(
    composition_id => save_version.composition_id,
    base_version   => save_version.base_version,
    document       => save_version.document,
    kind           => 'save',
    origin         => save_version.origin,
    message        => save_version.message,
    on_conflict    => save_version.on_conflict
  );
end;
$$;

alter table public.composition_versions drop constraint composition_versions_kind_known;
alter table public.composition_versions add constraint composition_versions_kind_known
  check (kind in ('create', 'fork', 'save', 'restore', 'merge', 'conflict')) not valid;
alter table public.composition_versions validate constraint composition_versions_kind_known;

create index composition_versions_conflict_composition_id_idx
  on public.composition_versions (composition_id) where kind = 'conflict';

grant execute on function public.preview_merge(uuid, integer, jsonb, jsonb, text) to authenticated;
