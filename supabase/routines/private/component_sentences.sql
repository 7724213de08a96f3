-- What changed in the components of a document.
--
--   source   components by id
--   target   components by id
--   returns  sentences: what was added, removed, moved, changed; empty from the 50th on
create function private.component_sentences(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select said.sentence
      from (
        select m.*,
               row_number() over (
                 order by array_position('{add,remove,move,replace}', m.op), m.id collate "C"
               ) as nth
          from private.component_moves(source, target) as m
      ) as m
     cross join lateral (
       select case
                when m.nth >= 50 then ''
                else private.component_sentence(
                  source, target, m.op, m.id,
                  private.component_name(source, m.old_parent_id),
                  private.component_name(target, m.new_parent_id), m.inside
                )
              end as sentence
     ) as said
     where said.sentence is not null
     order by m.nth
  );
end;
$$;
