-- What somebody may do with a composition, and until when. The policies on user_compositions say
-- the same for whole lists; this answers for one composition, in a few index look-ups.
--
--   composition_id  any id
--   user_id         whose role it is; null: nobody's
--   role            'owner', 'editor', 'viewer', or null: it does not exist for them; in the trash
--                   it exists for its owners alone
--   until           when the role ends or becomes a lower one by itself, as shares do; null: never
--
-- An organisation's owners and admins own its compositions, its members view them.
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.composition_access(
  composition_id uuid,
  user_id        uuid,
  out role       text,
  out until      timestamptz
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  select case held.rank when 3 then 'owner' when 2 then 'editor' when 1 then 'viewer' end,
         nullif(max(coalesce(held.until, 'infinity')), 'infinity')
    into composition_access.role, composition_access.until
    from public.user_compositions as c
   cross join lateral (
      select 3 as rank, null::timestamptz as until
       where c.owner_id = composition_access.user_id
      union all
      select case when m.role in ('owner', 'admin') then 3 else 1 end, null
        from public.organization_members as m
       where m.organization_id = c.organization_id and m.user_id = composition_access.user_id
      union all
      select case s.role when 'editor' then 2 else 1 end, s.expires_at
        from public.shared_compositions as s
       where s.composition_id = c.id
         and s.user_id = composition_access.user_id
         and (s.expires_at is null or s.expires_at > now())
      union all
      select case s.role when 'editor' then 2 else 1 end, s.expires_at
        from public.shared_compositions as s
        join public.organization_members as m
          on m.organization_id = s.organization_id and m.user_id = composition_access.user_id
       where s.composition_id = c.id
         and s.user_id is null  -- past those of persons, in the index
         and (s.expires_at is null or s.expires_at > now())
    ) as held
   where c.id = composition_access.composition_id
     and (c.deleted_at is null or held.rank = 3)
   group by held.rank
   order by held.rank desc
   limit 1;
end;
$$;
