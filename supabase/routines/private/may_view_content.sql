-- Whether the caller may view a version with some content.
--
--   content_hash  any hash
--
-- It walks what the caller may view (the policies on user_compositions say the same), and looks in
-- an index whether each has the content. From the content to its versions would be shorter, mostly;
-- but then it would take longer the more others have it, and so tell that they do. The limit within
-- keeps the planner from that, too.
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.may_view_content(content_hash bytea) returns boolean
language plpgsql stable security definer
set search_path = ''
set plan_cache_mode = force_custom_plan  -- a plan for any caller read the whole table
as $$
declare
  -- In variables, so that each is made once.
  caller        constant uuid   := auth.uid();
  organizations constant uuid[] := private.my_organization_ids();
  shared        constant uuid[] := private.shared_with_me_ids();
begin
  return exists (
    select
      from (
        select c.id, c.deleted_at from public.user_compositions as c where c.owner_id = caller
        union all
        select c.id, c.deleted_at
          from public.user_compositions as c
         where c.organization_id = any (organizations)
        union all
        select c.id, c.deleted_at from public.user_compositions as c where c.id = any (shared)
      ) as m
     cross join lateral (
        select
          from public.composition_versions as v
         where v.composition_id = m.id
           and v.content_hash = may_view_content.content_hash
         limit 1
      ) as has
     where m.deleted_at is null
  );
end;
$$;
