-- A document with some of what a layer changes taken back.
--
--   base     the document that the layer was made on; null: nothing is there
--   wanted   what it looks like with the layer; null: nothing is there
--   paths    pointers as private.layer_changes() has them: what is there, and below it, is as in
--            the base
--   path     keys that lead to both, outermost first
--   returns  the document, which need not be a valid one; null: nothing is there
create function private.take_back(
  base   jsonb,
  wanted jsonb,
  paths  text[],
  path   text[] default '{}'
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  here  constant text := coalesce(private.pointer(variadic path), '');
  below constant text[] := array(
    select p.path from unnest(paths) as p (path) where starts_with(p.path, here || '/')
  );
  kind  text;
  part  record;
  value jsonb;
  keys  text[] := '{}';   -- parts that are otherwise than with the layer …
  vals  jsonb[] := '{}';  -- … and what they are; null: gone
begin
  if here = any (paths) then
    return base;
  elsif below <> '{}' then
    kind := private.merge_kind(base, wanted, wanted);
  end if;
  if kind is null then
    return wanted;
  end if;

  for part in
    select coalesce(b.key, w.key) as key, b.value as base, w.value as wanted
      from private.merge_parts(base, kind) as b
      full join private.merge_parts(wanted, kind) as w on w.key = b.key
     where not record_image_eq(row (b.value), row (w.value))
  loop
    value := private.take_back(part.base, part.wanted, below, path || part.key);
    if not record_image_eq(row (value), row (part.wanted)) then
      keys := array_append(keys, part.key);
      vals := array_append(vals, value);
    end if;
  end loop;

  if kind = 'object' then
    return private.object_of(wanted, keys, vals);
  end if;
  return (private.merge_array(base, wanted, base, kind, keys, vals)).merged;
end;
$$;
