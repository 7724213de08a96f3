-- List what the caller may view, last changed first: their own, their organisations', and what is
-- shared with them.
--
--   filter     which of it, by the keys below; {}: all but the trash
--   after      next of the page before, with the same filter; null: the first page
--   row_limit  1 to 200
--   returns    {items: [{composition_id, title, description, tags, owner_id, organization_id, role,
--              version, content_hash, etag, updated_at, forked_from_id, forked_from_version,
--              deleted_at?}], next: cursor or null}; what load_composition() returns, without the
--              document; items of the trash have deleted_at, too
--
-- Raises
--   PT401 not_signed_in     the token names nobody
--   PT422 invalid_argument  filter has an unknown key or a wrong value, or row_limit is out of
--                           range
--   PT422 invalid_cursor    after is no cursor of this list
--
-- All keys of filter may be left out or null, and all that are there must hold:
--
--   search           words, each somewhere in title, description or tags, without regard to case and
--                    accents; at most 200 characters and 10 words
--   owner_id         whose
--   organization_id  of which organisation
--   shared           true: only what is shared with the caller, and neither theirs nor their
--                    organisations'; false: only the rest
--   tag              with this tag
--   dialect          with a head in this dialect
--   trashed          true: the trash, of which the caller sees what they own; false, and without
--                    this key: all else
--
-- A composition that changes between two pages moves to the front: whoever is paging may miss it,
-- but misses no other. A cursor is a place in the order, whatever the filter: with another filter,
-- that list goes on from there.
--
-- Definer rights: it walks one index per way of seeing a composition and stops after a page; the
-- policies would look at all that a person may see.
create function public.list_my_compositions(
  filter    jsonb default '{}',
  after     text default null,
  row_limit integer default 50
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.caller_id();
  page     constant integer := private.row_limit(list_my_compositions.row_limit);
  wanted   constant jsonb := private.composition_filter(list_my_compositions.filter);
  -- Greater than every composition: the first page needs no query of its own.
  after_at timestamptz := 'infinity';
  after_id uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
begin
  if after !~ '^[0-9]{1,16}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    perform private.refuse_cursor();
  elsif after is not null then
    after_at := 'epoch'::timestamptz
      + split_part(after, '_', 1)::bigint * '1 microsecond'::interval;
    after_id := split_part(after, '_', 2)::uuid;
  end if;

  return (
    with found as (
      select p.id, p.updated_at, row_number() over (order by p.updated_at desc, p.id desc) as nth
        from private.visible_page(wanted, after_at, after_id, page + 1) as p
    )
    select jsonb_build_object(
      'items', coalesce(
        jsonb_agg(
          private.composition_summary(
            c, case when c.owner_id = caller then 'owner' else private.composition_role(c.id) end
          )
            || case when c.deleted_at is null then '{}'
                    else jsonb_build_object('deleted_at', c.deleted_at) end
          order by f.nth
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
