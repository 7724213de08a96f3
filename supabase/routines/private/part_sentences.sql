-- What changed in a part of a document of which nothing else is known, by path.
--
--   name     the key of the part
--   source   its value before; SQL null: it was not there
--   target   its value after, of another text; SQL null: it is not there any more
--   summed   whether many changes are one sentence, which names the keys they are in
--   returns  sentences, empty from the 50th on
create function private.part_sentences(name text, source jsonb, target jsonb, summed boolean)
returns text[]
language plpgsql immutable
set search_path = ''
as $$
declare
  edits  jsonb[];
  places text[];
begin
  if source is null then
    return array[format('Added %s: %s', name, private.value_phrase(target))];
  elsif target is null then
    return array[format('Removed %s: %s', name, private.value_phrase(source))];
  end if;

  edits := (private.json_edits(source, target, few => 4)).edits;
  if edits[1] ->> 'path' = '' then
    return array[concat_ws(
      ': ', 'Changed ' || name, nullif(private.change_phrase(source, target), '')
    )];
  end if;

  if summed and cardinality(edits) > 3 then
    select array_agg(
             p.place || case when p.count > 1 then format(' (%s changes)', p.count) else '' end
             order by p.first
           )
      into places
      from (
        select private.short_text('/' || split_part(e.edit ->> 'path', '/', 2)) as place,
               count(*), min(e.nth) as first
          from unnest(edits) with ordinality as e (edit, nth)
         group by 1
      ) as p;
    return array[
      format('Changed %s at %s', name, array_to_string(places[:5], ', '))
      || case when cardinality(places) > 5
           then format(' and %s more places', cardinality(places) - 5) else '' end
    ];
  end if;

  return array(
    select case when e.nth < 50 then private.edit_sentence(name, e.edit) else '' end
      from unnest(edits) with ordinality as e (edit, nth)
     order by e.nth
  );
end;
$$;
