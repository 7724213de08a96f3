-- Delete what was noted of turns that can be undone no longer, the oldest 100. A day later than that:
-- of a turn that is just becoming too old, all is known, or nothing.
--
-- Definer rights: nobody may delete these rows in any other way.
create function private.forget_turn_changes() returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  delete from private.turn_changes as t
   using (
      select o.id
        from private.turn_changes as o
       where o.created_at < private.turn_horizon() - interval '1 day'
       order by o.created_at
       limit 100
         for update skip locked
    ) as old
   where t.id = old.id;
end;
$$;
