-- The paths of what a layer changes, for people to pick from.
--
--   base     the document that the layer was made on; null: nothing is there
--   wanted   what it is to look like; null: nothing is to be there
--   path     keys that lead to both, outermost first
--   budget   steps of work that may be spent, about a microsecond each; comes back reduced
--   changes  pointers (private.pointer()), with elements of keyed arrays by their id, as
--            private.merge_json() has them; that of an array where their order changes
--
-- What the budget leaves out is one change.
create function private.layer_changes(
  base         jsonb,
  wanted       jsonb,
  path         text[] default '{}',
  inout budget integer default 400000,
  out changes  text[]
)
language plpgsql immutable
set search_path = ''
as $$
declare
  kind   text;
  part   record;
  inner_ record;
begin
  changes := '{}';
  if record_image_eq(row (base), row (wanted)) then
    return;
  end if;

  if budget > 0 and base is not null then
    kind := private.merge_kind(base, wanted, wanted);
  end if;
  if kind is null then
    changes := array[coalesce(private.pointer(variadic path), '')];
    return;
  end if;

  budget := budget - 100 - (pg_column_size(base) + pg_column_size(wanted)) / 500;
  for part in
    select coalesce(b.key, w.key) as key, b.value as base, w.value as wanted
      from private.merge_parts(base, kind) as b
      full join private.merge_parts(wanted, kind) as w on w.key = b.key
     where not record_image_eq(row (b.value), row (w.value))
     order by coalesce(b.key, w.key) collate "C"
  loop
    inner_ := private.layer_changes(part.base, part.wanted, path || part.key, budget);
    budget := inner_.budget;
    changes := changes || inner_.changes;
  end loop;

  if kind <> 'object' and private.merge_order(base, base, wanted, kind) = 'mine' then
    changes := changes || coalesce(private.pointer(variadic path), '');
  end if;
end;
$$;
