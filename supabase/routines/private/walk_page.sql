-- Walk some ways of seeing compositions, last changed first, until enough are found.
--
--   filter         what private.composition_filter() returns
--   after_at       updated_at, and
--   after_id       id of what comes right before
--   rows           how many at most
--   owner          whose own; null: nobody's
--   organizations  whose compositions too
--   shared         ids of more
--   returns        ids with their updated_at, newest first, each once
--
-- Of many organisations only those count whose newest match is among the newest of all.
--
-- The statement is put together, since one condition serves all walks, and to be planned for the
-- walks and the filter that there are and no more; its values are bound. The planner may only walk:
-- it would guess how many rows match, and read all of somebody's for a word that the newest have.
--
-- Definer rights: what a way leads to is visible; the policies would ask for each row.
create function private.walk_page(
  filter        jsonb,
  after_at      timestamptz,
  after_id      uuid,
  rows          integer,
  owner         uuid,
  organizations uuid[],
  shared        uuid[]
) returns table (id uuid, updated_at timestamptz)
language plpgsql stable security definer rows 50
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  newest constant text := format(
    $sql$ and %s and (c.updated_at, c.id) < ($2, $3) order by c.updated_at desc, c.id desc $sql$,
    private.filter_condition(filter)
  );
  walks  constant text := concat_ws(
    ' union all ',
    case when owner is not null then format(
      $sql$
        (
          select c.id, c.updated_at from public.user_compositions as c
           where c.owner_id = $5 %s limit $4
        )
      $sql$, newest
    ) end,
    case when organizations <> '{}' then format(
      $sql$
        select c.id, c.updated_at
          from (
            select o.id, h.updated_at, h.id as head_id
              from unnest($6) as o (id)
             cross join lateral (
                select c.id, c.updated_at from public.user_compositions as c
                 where c.organization_id = o.id %1$s limit 1
              ) as h
             order by h.updated_at desc, h.id desc
             limit $4
          ) as h
         cross join lateral (
            select c.id, c.updated_at from public.user_compositions as c
             where c.organization_id = h.id
               and (c.updated_at, c.id) <= (h.updated_at, h.head_id) %1$s limit $4
          ) as c
      $sql$, newest
    ) end,
    case when shared <> '{}' then format(
      $sql$
        (
          select c.id, c.updated_at from public.user_compositions as c
           where c.id = any ($7) %s limit $4
        )
      $sql$, newest
    ) end
  );
begin
  if walks = '' then
    return;
  end if;
  -- The same one up to three times: as its owner's, its organisation's, and shared.
  return query execute format(
    $sql$
      select n.id, n.updated_at
        from (select v.id, v.updated_at from (%s) as v
               order by v.updated_at desc, v.id desc limit 3 * $4) as n
       group by n.id, n.updated_at
       order by n.updated_at desc, n.id desc
       limit $4
    $sql$, walks
  ) using filter, after_at, after_id, rows, owner, organizations, shared;
end;
$$;
