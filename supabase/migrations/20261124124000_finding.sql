-- Finding compositions by filters, search among them; and counts of how often each is loaded.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Rewrites the table: before the first release none is large.
alter table public.compositions
  -- squawk-ignore adding-field-with-default
  add column dialect text generated always as (document ->> 'dialect') stored;

alter table public.user_compositions
  add column search_text text not null default '',
  alter column search_text set statistics 0,
  alter column tags set statistics 0;

-- What ANALYZE found out about tags before goes with their type alone, even if that is the same.
drop trigger user_compositions_touch on public.user_compositions;
-- squawk-ignore changing-column-type
alter table public.user_compositions alter column tags type text[];
create trigger user_compositions_touch
  before update of title, description, tags, current_version on public.user_compositions
  for each row execute function private.touch_composition();

insert into private.settings (name, value, description)
values ('usage_days', 400, 'Days for which the counts of loads are kept');

drop function public.list_my_compositions(text, integer);

-- How often a composition was loaded, by day. Counts and no person: yet with one viewer they tell
-- the composition's owners on which days that viewer looked, and never at what time.
create table public.composition_usage (
  composition_id uuid   not null,
  day            date   not null,            -- by UTC
  loads          bigint not null default 0,
  hits           bigint not null default 0,  -- of the loads, those that a cache answered

  constraint composition_usage_pkey primary key (composition_id, day),
  constraint composition_usage_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint composition_usage_loads_counted check (loads >= 0),
  constraint composition_usage_hits_counted check (hits >= 0)
);

-- As on user_compositions: no guesses about what others have.
alter table public.composition_usage
  alter column composition_id set statistics 0,
  alter column loads set statistics 0,
  alter column hits set statistics 0;

create index composition_usage_day_idx on public.composition_usage (day);

alter table public.composition_usage enable row level security;

-- Check a filter of list_my_compositions().
--
--   filter   what the caller sent
--   returns  the same, without the keys that select nothing: those that are null, and a blank
--            search
--
-- Raises
--   PT422 invalid_argument  no object, an unknown key, a wrong type, an id that is no UUID, a
--                           search that is too long, or an unknown dialect
create function private.composition_filter(filter jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  types    constant jsonb := '{"dialect": "string", "organization_id": "string",
    "owner_id": "string", "search": "string", "shared": "boolean", "tag": "string",
    "trashed": "boolean"}';
  dialects constant jsonb := to_jsonb(private.dialects());
  uuids    constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  keys     jsonb;
  part     record;
begin
  filter := coalesce(nullif(filter, 'null'), '{}');
  if filter = '{}' then  -- most lists are asked for without one
    return filter;
  end if;
  keys := (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(types) as k (key));
  if jsonb_typeof(filter) <> 'object' then
    perform private.refuse_filter(null, 'a filter is an object', keys);
  end if;

  for part in
    -- Only a string is spelled out: [1e131071, …] is short to send and a gigabyte to look at.
    select e.key, e.value,
           case when jsonb_typeof(e.value) = 'string' then e.value #>> '{}' end as text
      from jsonb_each(filter) as e
     order by e.key
  loop
    if not types ? part.key then
      perform private.refuse_filter(part.key, 'a filter has no such key', keys);
    elsif part.value = 'null' then
      continue;
    elsif types ->> part.key <> jsonb_typeof(part.value) then
      perform private.refuse_filter(
        part.key, 'the value is a ' || (types ->> part.key),
        case when types ->> part.key = 'boolean' then '[true, false]'::jsonb end
      );
    elsif part.key in ('owner_id', 'organization_id') and part.text !~ uuids then
      perform private.refuse_filter(part.key, 'the value is a UUID');
    elsif part.key = 'dialect' and not dialects ? part.text then
      perform private.refuse_filter(part.key, 'the dialect is not known', dialects);
    elsif part.key = 'search' and (
      length(part.text) > 200 or cardinality(private.search_patterns(part.text)) > 10
    ) then
      perform private.refuse_filter(
        part.key, 'a search has at most 200 characters and 10 words'
      );
    end if;
  end loop;

  filter := jsonb_strip_nulls(filter);
  if filter ? 'search' and private.search_patterns(filter ->> 'search') = '{}' then
    return filter - 'search';
  end if;
  return filter;
end;
$$;

-- The condition under which private.walk_page() takes a row c of user_compositions.
--
--   filter   what private.composition_filter() returns
--   returns  SQL, put together of constants alone, in which $1 is the filter; shared is not in it,
--            which private.visible_page() sees to
--
-- The content store is asked in a sub-select: a join would be planned against the order in which
-- rows are walked.
create function private.filter_condition(filter jsonb) returns text
language sql immutable
set search_path = ''
as $$
  select concat_ws(e'\n and ',
    case when (filter ->> 'trashed')::boolean
         then 'c.deleted_at is not null' else 'c.deleted_at is null' end,
    case when filter ? 'owner_id'
         then 'c.owner_id = ($1 ->> ''owner_id'')::uuid' end,
    case when filter ? 'organization_id'
         then 'c.organization_id = ($1 ->> ''organization_id'')::uuid' end,
    case when filter ? 'tag'
         then 'c.tags @> array[$1 ->> ''tag'']' end,
    case when filter ? 'search'
         then 'c.search_text like all (private.search_patterns($1 ->> ''search''))' end,
    case when filter ? 'dialect'
         then '(select d.dialect from public.compositions as d
                 where d.content_hash = c.current_hash) = $1 ->> ''dialect''' end
  );
$$;

-- A text as search compares it: without case and without accents. Compatibility forms are resolved
-- (ﬁ is fi, Ａ is a), marks on letters are dropped (é is e, ά is α), and so are the Hebrew and the
-- Arabic vowel points.
--
--   text     any text, or null
--   returns  the folded text; null for null
--
-- The collation is named, since what lower() does would otherwise depend on the database. What no
-- decomposition reaches is spelt out; a final sigma is a sigma wherever it stands.
create function private.fold_text(text text) returns text
language sql immutable
set search_path = ''
as $$
  select replace(replace(replace(
    translate(
      lower(
        regexp_replace(
          normalize(fold_text.text, nfkd),
          '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]',
          '', 'g'
        ) collate "und-x-icu"
      ),
      'ıłøđħς', 'ilodhσ'
    ),
    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
$$;

-- Refuse a filter of a list.
--
--   key      the key that is wrong; null: the filter is no object
--   rule     what would be right, for people
--   allowed  array of what may stand there, if it is a choice
--
-- Raises
--   PT422 invalid_argument  always, with the key
create function private.refuse_filter(key text, rule text, allowed jsonb default null) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception '%', rule using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'argument', 'filter',
      'key', left(refuse_filter.key, 200),
      'allowed', refuse_filter.allowed
    )),
    hint    = 'Correct the filter, or leave the key out.';
end;
$$;

-- Refuse what is no list of counts for record_usage().
--
--   entries  as sent
--
-- Raises
--   PT422 invalid_argument  no array of at most 1000, or an entry that is none, with the place of
--                           the first such one
create function private.require_usage_entries(entries jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  today constant date := now() at time zone 'UTC';
  keys  constant text[] := '{composition_id,day,hits,loads}';
  uuids constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  count constant text := '^[0-9]{1,9}$';
  -- As text: a day that no calendar has cannot be read as one.
  days  constant text[] := array(
    select to_char(today - g.age, 'YYYY-MM-DD')
      from generate_series(0, least(private.setting('usage_days'), 36500)::integer) as g (age)
  );
  place bigint;
begin
  if jsonb_typeof(entries) = 'array' and jsonb_array_length(entries) <= 1000 then
    select min(e.nth) - 1 into place
      from jsonb_array_elements(entries) with ordinality as e (entry, nth)
     where not case
       when jsonb_typeof(e.entry) <> 'object' then false
       else e.entry - keys = '{}'
        and coalesce(jsonb_typeof(e.entry -> 'composition_id') = 'string', false)
        and e.entry ->> 'composition_id' ~ uuids
        and coalesce(jsonb_typeof(e.entry -> 'loads') = 'number', false)
        and e.entry ->> 'loads' ~ count
        and coalesce(jsonb_typeof(e.entry -> 'hits') in ('number', 'null'), true)
        and coalesce(e.entry ->> 'hits' ~ count, true)
        and coalesce(jsonb_typeof(e.entry -> 'day') in ('string', 'null'), true)
        and coalesce(e.entry ->> 'day' = any (days), true)
     end;
    if place is null then
      return;
    end if;
  end if;

  raise exception 'entries are at most 1000 counts of compositions' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument', 'argument', 'entries', 'index', place
    )),
    hint    = 'Send {"composition_id", "loads", "hits"?, "day"?}: whole numbers, and a day by UTC'
              ' that is not to come and not forgotten.';
end;
$$;

-- What each word of a search is like, wherever it stands in a search_text.
--
--   search   what somebody typed; null: nothing
--   returns  patterns for LIKE, one a word, empty when there are none; % and _ mean themselves
create function private.search_patterns(search text) returns text[]
language sql immutable
set search_path = ''
as $$
  select array(
    select distinct '%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%'
      from regexp_split_to_table(private.fold_text(search_patterns.search), '\s+') as w (word)
     where w.word <> ''
  );
$$;

-- Keep search_text what search looks into: title, description and tags, folded
-- (private.fold_text()). A trigger and no generated column: that would be computed anew, and
-- written anew, with every save.
--
-- Definer rights: whoever renames a composition needs no right to the helper.
create function private.set_search_text() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  -- Cut: this comes before the constraints, which refuse what is longer. And cut again: a letter
  -- folds to three at most, a ligature to eighteen, which whoever searches would have to read.
  new.search_text := left(private.fold_text(left(
    concat_ws(e'\n', new.title, new.description, array_to_string(new.tags, e'\n')), 4000
  )), 12000);
  return new;
end;
$$;

create trigger user_compositions_search_text
  before insert or update of title, description, tags on public.user_compositions
  for each row execute function private.set_search_text();

-- As the trigger does for what comes after this.
update public.user_compositions as c
   set search_text = left(private.fold_text(left(
         concat_ws(e'\n', c.title, c.description, array_to_string(c.tags, e'\n')), 4000
       )), 12000);

-- Some of what the caller may view, last changed first, from a place in that order on.
--
--   filter    what private.composition_filter() returns
--   after_at  updated_at, and
--   after_id  id of what comes right before
--   rows      how many at most
--   returns   ids with their updated_at, each once
--
-- Which ways of seeing a composition can lead to a match; private.walk_page() walks them. In the
-- trash shares lead nowhere, and of organisations those that the caller administers count.
--
-- Definer rights: what a way leads to is visible; the policies would ask for each row.
create function private.visible_page(
  filter   jsonb,
  after_at timestamptz,
  after_id uuid,
  rows     integer
) returns table (id uuid, updated_at timestamptz)
language plpgsql stable security definer rows 50
set search_path = ''
as $$
declare
  trashed         constant boolean := coalesce((filter ->> 'trashed')::boolean, false);
  owner_id        constant uuid    := filter ->> 'owner_id';
  organization_id constant uuid    := filter ->> 'organization_id';
  caller          constant uuid    := auth.uid();
  mine            constant uuid[]  :=
    case when trashed then private.my_administered_organization_ids()
         else private.my_organization_ids() end;
  owner           uuid;
  organizations   uuid[] := '{}';
  shared          uuid[] := '{}';
begin
  if (filter ->> 'shared')::boolean then
    shared := array(
      select c.id
        from public.user_compositions as c
       where c.id = any (private.shared_with_me_ids())
         and c.owner_id <> caller
         and (c.organization_id = any (mine)) is not true
         and not trashed
    );
  elsif organization_id = any (mine) then
    organizations := array[organization_id];
  elsif owner_id = caller then
    owner := caller;
  else
    if owner_id is null then
      owner := caller;
    end if;
    if organization_id is null then
      organizations := mine;
    end if;
    if not trashed and not filter ? 'shared' then
      shared := private.shared_with_me_ids();
    end if;
  end if;

  return query
    select w.id, w.updated_at
      from private.walk_page(
        filter, visible_page.after_at, visible_page.after_id, visible_page.rows,
        owner, organizations, shared
      ) as w;
end;
$$;

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

-- What is loaded most: what to put into a cache that has gone cold.
--
--   row_limit  1 to 200
--   days       over how many days, today's by UTC the last of them: 1 to usage_days
--              (private.settings)
--   returns    [{composition_id, loads, hits, current_version, content_hash}], the most loaded
--              first; of equals the one with the smaller id. Nothing of the trash
--
-- Raises
--   PT422 invalid_argument  row_limit or days is out of range
--
-- Definer rights: jobs have no access to tables.
create function public.popular_compositions(
  row_limit integer default 100,
  days      integer default 7
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  today constant date := now() at time zone 'UTC';
  most  constant integer := private.row_limit(popular_compositions.row_limit);
begin
  if not coalesce(days between 1 and private.setting('usage_days'), false) then
    raise exception 'there are no counts of % days', days using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'days'),
      hint    = 'Ask for 1 day to as many as the setting usage_days has.';
  end if;

  return (
    select coalesce(
             jsonb_agg(
               jsonb_build_object(
                 'composition_id', p.id,
                 'loads', p.loads,
                 'hits', p.hits,
                 'current_version', p.current_version,
                 'content_hash', encode(p.current_hash, 'hex')
               ) order by p.loads desc, p.id
             ),
             '[]'
           )
      from (
        select c.id, c.current_version, c.current_hash,
               sum(u.loads)::bigint as loads, sum(u.hits)::bigint as hits
          from public.composition_usage as u
          join public.user_compositions as c on c.id = u.composition_id
         where u.day > today - days and u.day <= today and c.deleted_at is null
         group by c.id
        having sum(u.loads) > 0
         order by sum(u.loads) desc, c.id
         limit most
      ) as p
  );
end;
$$;

-- Add to the counts of loads. load_composition() counts nothing itself, so that it writes nothing;
-- whoever answers loads, from a cache or not, counts and reports now and then.
--
--   entries  array of at most 1000 {composition_id, loads, hits?, day?}: how often it was loaded,
--            and how many of these loads a cache answered, each from 0 to 999999999; on which day
--            by UTC, today without one. Several may be for the same composition and day
--   returns  {recorded}: how many entries were added. The others are for compositions that are
--            gone: a report may come late
--
-- Raises
--   PT422 invalid_argument  entries are something else, or a day is to come or older than
--                           usage_days (private.settings); nothing is recorded
--
-- In passing it forgets days that are older than that, at most 2000 rows a call: twice what a call
-- adds.
--
-- Definer rights: nobody may write counts in any other way.
create function public.record_usage(entries jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  today    constant date := now() at time zone 'UTC';
  recorded integer;
begin
  perform private.require_usage_entries(record_usage.entries);

  -- Held until the end, and taken in the order of ids, as the counts are: a purge waits or is
  -- waited for, and two reports cannot wait for each other.
  perform from public.user_compositions as c
    where c.id in (
      select u.composition_id
        from jsonb_to_recordset(record_usage.entries) as u (composition_id uuid)
    )
    order by c.id
      for key share;

  with known as (
    select c.id, coalesce(u.day, today) as day, u.loads, coalesce(u.hits, 0) as hits
      from jsonb_to_recordset(record_usage.entries)
             as u (composition_id uuid, day date, loads bigint, hits bigint)
      join public.user_compositions as c on c.id = u.composition_id
  ),
  added as (
    insert into public.composition_usage as t (composition_id, day, loads, hits)
    select k.id, k.day, sum(k.loads), sum(k.hits)
      from known as k
     group by k.id, k.day
     order by k.id, k.day
        on conflict on constraint composition_usage_pkey do update
       set loads = t.loads + excluded.loads, hits = t.hits + excluded.hits
  )
  select count(*) into recorded from known as k;

  delete from public.composition_usage as t
   using (
      select o.composition_id, o.day
        from public.composition_usage as o
       where o.day < today - least(private.setting('usage_days'), 700000)::integer
       limit 2000
         for update skip locked
    ) as old
   where t.composition_id = old.composition_id and t.day = old.day;

  return jsonb_build_object('recorded', recorded);
end;
$$;

-- Who may do what to the counts of a composition's loads: its owners read them. With their
-- composition in the trash they are there for nobody.
--
--            stranger  viewer  editor  owner
--   select      -        -       -      yes
--   insert      -        -       -       -    record_usage()
--   update      -        -       -       -    record_usage()
--   delete      -        -       -       -    record_usage(), of what is old

revoke all on public.composition_usage from anon, authenticated, service_role;
grant select on public.composition_usage to authenticated;

create policy composition_usage_select_owner on public.composition_usage
  for select to authenticated
  using (
    exists (
      select from public.user_compositions as c
       where c.id = composition_usage.composition_id
         and (
           c.owner_id = (select auth.uid())
           or c.organization_id
              = any ((select private.my_administered_organization_ids())::uuid[])
         )
    )
  );

grant execute on function
  public.list_my_compositions(jsonb, text, integer)
to authenticated;

grant execute on function
  public.popular_compositions(integer, integer),
  public.record_usage(jsonb)
to service_role;
