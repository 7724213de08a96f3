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
