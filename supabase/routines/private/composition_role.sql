-- What the caller may do with a composition. The policies on user_compositions say the same for
-- whole lists; this answers for one composition, in a few index look-ups.
--
--   composition_id  any id
--   returns         'owner', 'editor', 'viewer', or null: it does not exist for the caller; in the
--                   trash it exists for its owners alone
--
-- An organisation's owners and admins own its compositions, its members view them.
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.composition_role(composition_id uuid) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := auth.uid();
begin
  return (
    select case max(held.rank) when 3 then 'owner' when 2 then 'editor' when 1 then 'viewer' end
      from public.user_compositions as c
     cross join lateral (
        select 3 as rank
         where c.owner_id = caller
        union all
        select case when m.role in ('owner', 'admin') then 3 else 1 end
          from public.organization_members as m
         where m.organization_id = c.organization_id and m.user_id = caller
        union all
        select case s.role when 'editor' then 2 else 1 end
          from public.shared_compositions as s
         where s.composition_id = c.id
           and s.user_id = caller
           and (s.expires_at is null or s.expires_at > now())
        union all
        select case s.role when 'editor' then 2 else 1 end
          from public.shared_compositions as s
          join public.organization_members as m
            on m.organization_id = s.organization_id and m.user_id = caller
         where s.composition_id = c.id
           and s.user_id is null  -- past those of persons, in the index
           and (s.expires_at is null or s.expires_at > now())
      ) as held
     where c.id = composition_role.composition_id
       and (c.deleted_at is null or held.rank = 3)
  );
end;
$$;
