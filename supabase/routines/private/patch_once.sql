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
