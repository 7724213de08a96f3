-- Which components are no child of any, so the root does not lead to them.
--
--   ids       of components, by number
--   children  numbers of those that are a child
--   root      the number of the one that need not be
--   returns   array of problems by path, at most 100, empty when there are none
create function private.unreachable_problems(ids text[], children integer[], root integer)
returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(private.problem(
             'unreachable_component', private.pointer('components', f.id),
             'the component is no child of any, nor the root'
           ) order by f.id collate "C"), '[]')
      from (
        select ids[n.number] as id
          from (
            select generate_subscripts(ids, 1)
            except select unnest(children)
            except select root
          ) as n (number)
         order by ids[n.number] collate "C"
         limit 100
      ) as f
  );
end;
$$;
