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
