-- What keeps components from being a tree: children that are none, a child of two parents or of
-- itself, and a component that the root does not lead to.
--
--   components  jsonb object of components by id
--   root        the id of the outermost one
--   returns     array of problems, a few hundred at most, empty when there are none
--
-- A walk down from the root, depth first, then from what it did not meet. It takes a step or two
-- for each component and ends at a hundred problems, however many children are named. A child that
-- it is still below closes a cycle; one that was held before has two parents. What nothing names is
-- unreachable, and so is what it leads to, which is no mistake of its own. That is said only where
-- the root, all children and all types are there: what is missing may be what would lead to it.
--
-- A template is used wherever a list names it, and a trigger may stand elsewhere than its dialogue:
-- these two lead to a component without holding it.
create function private.tree_problems(components jsonb, root text) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  ids      text[];     -- these five: see private.component_tree()
  starts   integer[];
  children integer[];
  places   text[];
  top      integer;
  at       integer[];  -- where in children the walk is, by number of a component
  state    integer[];  -- 0: not met yet; 1: the walk is at it or below it; 2: done
  above    integer[];  -- whose child it was met as
  held     boolean[];  -- whether it is the child of one already
  leads    boolean;    -- whether the place at hand leads to a child without holding it
  met      integer := 0;
  node     integer;
  child    integer;
  turn     integer := 0;
  path     text;
  problems jsonb := '[]';
begin
  select t.* into ids, starts, children, places, top
    from private.component_tree(tree_problems.components, tree_problems.root) as t;
  if ids is null then
    return '[]';
  end if;
  at := starts;
  state := array_fill(0, array[cardinality(ids)]);
  above := array_fill(null::integer, array[cardinality(ids)]);
  held := array_fill(false, array[cardinality(ids)]);

  node := top;
  while jsonb_array_length(problems) < 100 loop
    if node is null then
      turn := turn + 1;
      exit when turn > cardinality(ids);
      continue when state[turn] > 0;
      node := turn;
    end if;

    state[node] := 1;
    at[node] := at[node] + 1;
    child := children[at[node]];
    if child > 0 then
      leads := places[at[node]] in ('children/componentId', 'trigger');
      if state[child] = 1 or not leads and (held[child] or child is not distinct from top) then
        path := private.pointer('components', ids[node]) || '/' || places[at[node]];
        problems := problems || case
          when state[child] = 1 then private.problem(
            'child_cycle', path, 'the component is a child of itself, or of one below it'
          )
          else private.problem(
            'two_parents', path, 'the component is a child in another place already'
          )
        end;
      else
        held[child] := held[child] or not leads;
        if above[child] is null and child is distinct from top then
          above[child] := node;
          met := met + 1;
        end if;
        if state[child] = 0 then
          node := child;
        end if;
      end if;
    elsif child is distinct from -1 then
      state[node] := 2;
      node := above[node];
    end if;
  end loop;

  if -1 = any (children) then
    return problems || private.child_problems(components);
  end if;
  if top is null or met = cardinality(ids) - 1
     or jsonb_path_exists(components, '$.* ? (!(@.component.type() == "string"))') then
    return problems;
  end if;
  return problems || private.unreachable_problems(ids, children, top);
end;
$$;
