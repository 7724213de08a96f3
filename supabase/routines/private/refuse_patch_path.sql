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
