-- What changed in the parameters of a document.
--
--   source   parameters by name
--   target   parameters by name
--   returns  sentences, in the order of the names: 'Duration filter: none → under 10 minutes'
create function private.parameter_sentences(source jsonb, target jsonb) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  return array(
    select case
             when c.nth >= 50 then ''
             when p.before <> p.after then concat_ws(
               '; ',
               format('%s: %s → %s', p.name, p.before, p.after),
               case
                 when jsonb_typeof(c.was) = 'object' and jsonb_typeof(c.value) = 'object' then
                   private.edit_phrases(c.was, c.value, said.keys)
               end
             )
             else format('Changed %s: %s', p.name, private.edit_phrases(c.was, c.value))
           end
      from private.object_changes(source, target) with ordinality as c (op, key, was, value, nth)
     cross join lateral (
       select private.parameter_name(c.key, coalesce(c.value, c.was)) as name,
              private.parameter_phrase(c.was) as before,
              private.parameter_phrase(c.value) as after
     ) as p
     cross join (select '{label,op,value,field,direction,type}'::text[] as keys) as said
     order by c.nth
  );
end;
$$;
