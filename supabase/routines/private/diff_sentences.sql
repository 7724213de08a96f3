-- What changed between two documents, for people.
--
--   source   a document
--   target   another one
--   returns  array of at most 50 sentences, in an order that is always the same: parameters first,
--            then what is seen, then data and the rest. The last one says how many more there are.
--            Empty when both documents have the same text, and only then
--
-- Bounded as private.json_diff() is; no sentence has more than about 700 characters.
create function private.diff_sentences(source jsonb, target jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  most      constant integer := 50;
  known     constant text[] :=
    '{parameters,components,root,body,data,sources,ext,dialect,format}';
  sentences text[] := '{}';
  part      record;
begin
  if source = target and source::text = target::text then
    return '[]';
  end if;

  for part in
    select c.key, c.was, c.value,
           jsonb_typeof(coalesce(c.was, '{}')) = 'object'
           and jsonb_typeof(coalesce(c.value, '{}')) = 'object' as are_objects
      from private.object_changes(
             case jsonb_typeof(source) when 'object' then source else '{}' end,
             case jsonb_typeof(target) when 'object' then target else '{}' end
           ) as c
     where c.key = any (known)
     order by array_position(known, c.key)
  loop
    sentences := sentences || case
      when part.key = 'parameters' and part.are_objects then
        private.parameter_sentences(coalesce(part.was, '{}'), coalesce(part.value, '{}'))
      when part.key = 'components' and part.are_objects then
        private.component_sentences(coalesce(part.was, '{}'), coalesce(part.value, '{}'))
      when part.key = 'sources' and part.are_objects then
        private.source_sentences(coalesce(part.was, '{}'), coalesce(part.value, '{}'))
      else
        private.part_sentences(
          part.key, part.was, part.value, part.key <> 'body'
        )
    end;
  end loop;

  if sentences = '{}' then
    sentences := private.part_sentences('the document', source, target, true);
  end if;
  if cardinality(sentences) > most then
    sentences := sentences[:most - 1]
      || format('… and %s more changes', cardinality(sentences) - most + 1);
  end if;
  return to_jsonb(sentences);
end;
$$;
