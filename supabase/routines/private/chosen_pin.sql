-- The pin that says what a person is shown in a context: their own, else the default of one of
-- their organisations, first of the one to which they have belonged for longest. What they may not
-- view now, or is in the trash, is passed over.
--
--   context  any text
--   user_id  whose choice it is
--   pin      a row of composition_pins; null: nothing is pinned
--   skipped  how many were passed over before
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.chosen_pin(
  context     text,
  user_id     uuid,
  out pin     public.composition_pins,
  out skipped integer
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  candidate public.composition_pins;
begin
  skipped := 0;
  for candidate in
    select (c.pin).*
      from (
        select p as pin, null::timestamptz as since
          from public.composition_pins as p
         where p.user_id = chosen_pin.user_id
           and p.organization_id is null
           and p.context = chosen_pin.context
        union all
        select p, m.created_at
          from public.organization_members as m
          join public.composition_pins as p on p.organization_id = m.organization_id
         where m.user_id = chosen_pin.user_id
           and p.context = chosen_pin.context
      ) as c
     order by c.since nulls first, (c.pin).organization_id
  loop
    if private.may_view(candidate.composition_id, chosen_pin.user_id) then
      pin := candidate;
      return;
    end if;
    skipped := skipped + 1;
  end loop;
end;
$$;
