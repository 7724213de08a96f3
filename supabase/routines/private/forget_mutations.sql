-- Delete what call_once() did more than mutation_days ago (private.settings), the oldest 100.
--
-- Definer rights: nobody may delete these rows in any other way.
create function private.forget_mutations() returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  delete from private.client_mutations as m
   using (
      select o.user_id, o.mutation_id
        from private.client_mutations as o
       where o.created_at
             < now() - least(private.setting('mutation_days'), 1000000) * interval '1 day'
       order by o.created_at
       limit 100
         for update skip locked
    ) as old
   where m.user_id = old.user_id and m.mutation_id = old.mutation_id;
end;
$$;
