-- List what the caller may view, last changed first: their own, their organisations', and what is
-- shared with them; without what is in the trash.
--
--   after      next of the page before; null: the first page
--   row_limit  1 to 200
--   returns    {items: [what load_composition() returns, without document], next: cursor or null}
--
-- Raises
--   PT401 not_signed_in     the token names nobody
--   PT422 invalid_argument  row_limit is out of range
--   PT422 invalid_cursor    after is no cursor of this list
--
-- A composition that changes between two pages moves to the front: it may be missed by who is
-- paging, but no other is.
--
-- Definer rights: it walks one index per way of seeing a composition and stops after a page; the
-- policies would look at all that a person may see.
create function public.list_my_compositions(
  after     text default null,
  row_limit integer default 50
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.caller_id();
  page     constant integer := private.row_limit(list_my_compositions.row_limit);
  -- Greater than every composition: the first page needs no query of its own.
  after_at timestamptz := 'infinity';
  after_id uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
begin
  if after !~ '^[0-9]{1,16}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    perform private.refuse_cursor();
  elsif after is not null then
    after_at := 'epoch'::timestamptz + split_part(after, '_', 1)::bigint * '1 microsecond'::interval;
    after_id := split_part(after, '_', 2)::uuid;
  end if;

  return (
    with visible as (  -- the same one up to three times: as its owner's, organisation's, and shared
      (
        select c.id, c.updated_at
          from public.user_compositions as c
         where c.owner_id = caller
           and c.deleted_at is null
           and (c.updated_at, c.id) < (after_at, after_id)
         order by c.updated_at desc, c.id desc
         limit page + 1
      )
      union all
      select c.id, c.updated_at
        from unnest(private.my_organization_ids()) as o (id)
       cross join lateral (
          select c.id, c.updated_at
            from public.user_compositions as c
           where c.organization_id = o.id
             and c.deleted_at is null
             and (c.updated_at, c.id) < (after_at, after_id)
           order by c.updated_at desc, c.id desc
           limit page + 1
        ) as c
      union all
      (
        select c.id, c.updated_at
          from unnest(private.shared_with_me_ids()) as s (id)
          join public.user_compositions as c on c.id = s.id
         where c.deleted_at is null
           and (c.updated_at, c.id) < (after_at, after_id)
         order by c.updated_at desc, c.id desc
         limit page + 1
      )
    ),
    newest as (
      select v.id, v.updated_at
        from visible as v
       order by v.updated_at desc, v.id desc
       limit 3 * (page + 1)
    ),
    found as (
      select n.id, n.updated_at, row_number() over (order by n.updated_at desc, n.id desc) as nth
        from (select distinct n.id, n.updated_at from newest as n) as n
       order by n.updated_at desc, n.id desc
       limit page + 1
    )
    select jsonb_build_object(
      'items', coalesce(
        jsonb_agg(
          private.composition_summary(c, private.composition_role(c.id)) order by f.nth
        ) filter (where f.nth <= page),
        '[]'
      ),
      'next', max(
        (extract(epoch from f.updated_at) * 1000000)::bigint || '_' || f.id
      ) filter (where f.nth = page and (select count(*) from found) > page)
    )
      from found as f
      join public.user_compositions as c on c.id = f.id
  );
end;
$$;
