-- The candidate that a misspelt name was probably meant to be.
--
--   name        what stands there, of any length
--   candidates  what might have been meant, of any number and length
--   returns     the closest of them; null: none is close. Case counts for nothing, and one letter
--               in three may be wrong, three at most. Of equally close ones, the first by bytes
--
-- Names have at most 64 characters (docs/document.md); what is longer was not meant to be one, and
-- would be long to compare and to send back.
create function private.nearest(name text, candidates text[]) returns text
language sql stable
set search_path = ''
as $$
  select c.candidate
    from (
      select lower(nearest.name) as name, length(nearest.name) as length,
             least(3, (length(nearest.name) + 1) / 3) as allowance
       where length(nearest.name) <= 64
    ) as n
   cross join unnest(nearest.candidates) as c (candidate)
   -- A case, for its order: lengths are quick to compare, and Postgres compares no long names.
   cross join lateral (
           select case
                    when abs(length(c.candidate) - n.length) <= n.allowance
                      then extensions.levenshtein_less_equal(
                        n.name, lower(c.candidate), n.allowance
                      )
                  end as distance
         ) as d
   where d.distance <= n.allowance
   order by d.distance, c.candidate collate "C"
   limit 1;
$$;
