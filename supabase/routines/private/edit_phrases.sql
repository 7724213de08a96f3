-- The edits of a small thing, such as a component, in a few words.
--
--   source   any jsonb
--   target   any other one
--   said     keys of theirs that need no words
--   returns  'text “a” → “b”; added weight 2; and 3 more'; null when there is nothing to say
create function private.edit_phrases(source jsonb, target jsonb, said text[] default '{}')
returns text
language plpgsql immutable strict
set search_path = ''
as $$
declare
  shown constant integer := 3;
begin
  return (
    select string_agg(
             concat_ws(
               ' ',
               case e.edit ->> 'op' when 'add' then 'added' when 'remove' then 'removed' end,
               coalesce(
                 nullif(private.short_text(substr(e.edit ->> 'path', 2), 80), ''), 'all of it'
               ),
               case e.edit ->> 'op'
                 when 'add' then private.value_phrase(e.edit -> 'value')
                 when 'remove' then private.value_phrase(e.edit -> 'was')
                 else nullif(private.change_phrase(e.edit -> 'was', e.edit -> 'value'), '')
               end
             ),
             '; ' order by e.nth
           ) filter (where e.nth <= shown)
           || case when count(*) > shown then format('; and %s more', count(*) - shown) else '' end
      from (
        select u.edit, row_number() over (order by u.nth) as nth
          from unnest((private.json_edits(source, target, few => 100, budget => 4000)).edits)
                 with ordinality as u (edit, nth)
         where split_part(u.edit ->> 'path', '/', 2) <> all (said)
      ) as e
  );
end;
$$;
