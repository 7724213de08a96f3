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
