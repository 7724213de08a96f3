-- What is shown where: compositions that people pin in contexts, and organisations for their
-- members.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- It gets another argument.
drop function private.layers_in_etag(uuid, uuid);

insert into private.settings (name, value, description)
values
  ('max_pins', 200, 'Pins of a person, and defaults of an organisation');

-- What is shown in a context, such as 'home' or 'route:/videos': a composition that a person has
-- pinned there, or that an organisation has, as the default for its members. A pin gives nobody any
-- role: whoever may not view its composition now is shown the next one (private.chosen_pin()).
create table public.composition_pins (
  id              uuid        not null default gen_random_uuid(),
  user_id         uuid,                         -- whose pin it is …
  organization_id uuid,                         -- … or whose default
  context         text        not null,
  composition_id  uuid        not null,
  position        integer     not null default 0,  -- among the contexts of a page
  created_at      timestamptz not null default now(),

  constraint composition_pins_pkey primary key (id),
  constraint composition_pins_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint composition_pins_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint composition_pins_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint composition_pins_context_once
    unique nulls not distinct (user_id, organization_id, context),
  constraint composition_pins_one_owner check (num_nonnulls(user_id, organization_id) = 1),
  -- Ranges, since what [:cntrl:] is depends on the locale of the database.
  constraint composition_pins_context_valid check (
    length(context) <= 200
    and context ~ '^[a-z][a-z0-9_-]*(:[^\u0001-\u001f\u007f-\u009f\u2028\u2029]+)?$'
  )
);

comment on constraint composition_pins_context_valid on public.composition_pins is
  'A context is like home or route:/videos: at most 200 characters, none of them a control one.';

-- As on user_compositions: no guesses about what others have.
alter table public.composition_pins alter column context set statistics 0;

create index composition_pins_organization_id_context_idx
  on public.composition_pins (organization_id, context);
create index composition_pins_composition_id_idx on public.composition_pins (composition_id);

alter table public.composition_pins enable row level security;

-- Say in the header Access-Until of the answer when what allows it ends by itself: for as long the
-- answer may be kept, and no longer.
--
--   until  a time to come
--
-- In milliseconds since 1970, as clocks of caches count; rounded down, as later would be too late.
create or replace function private.announce_end(until timestamptz) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  perform private.announce_header(
    'Access-Until', floor(extract(epoch from until) * 1000)::text
  );
end;
$$;

-- Add a header to the answer.
--
--   name   of the header
--   value  its value
create function private.announce_header(name text, value text) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  perform set_config(
    'response.headers',
    (
      coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb
      || jsonb_build_object(name, value)
    )::text,
    true
  );
end;
$$;

-- Say in the header Candidates-Skipped of the answer how many pins were passed over for it. Each of
-- them may come to count again without a change of a pin: what is chosen may not be kept.
--
--   skipped  0: the answer says nothing
create function private.announce_skipped(skipped integer) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if skipped > 0 then
    perform private.announce_header('Candidates-Skipped', skipped::text);
  end if;
end;
$$;

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

-- What a load would answer now, for current_etags().
--
--   entry    one that private.require_cached_entries() lets pass
--   returns  an etag, or null
--
-- Definer rights: as current_etags().
create function private.current_etag(entry jsonb) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  composition_id constant uuid := entry ->> 'composition_id';
  user_id        constant uuid := entry ->> 'user_id';
  here           record;
begin
  if entry ? 'context' then
    here := private.chosen_pin(entry ->> 'context', user_id);
    if (here.pin).composition_id = composition_id then
      return private.load_etag(
        composition_id, user_id, extra => private.pin_reason(here.pin)
      );
    end if;
    return null;
  end if;

  if entry ? 'home' then
    here := private.home_page(user_id);
    return case when (here.pin).composition_id = composition_id then here.page ->> 'etag' end;
  end if;

  return private.load_etag(composition_id, user_id, layered => not entry ? 'layered');
end;
$$;

-- What is held about a person outside their compositions, for export_my_data(): one list of it.
--
--   list       'memberships', 'invitations', 'shares_given', 'shares_received', 'pins',
--              'authored' or 'layers'
--   user_id    the person, who is the caller
--   after_id   where the page before ended …
--   after_nth  … in the order of (id, nth)
--   row_limit  at most so many
--   returns    rows in that order, with what export_my_data() shows of each
--
-- Definer rights: as export_my_data().
create or replace function private.exported_rows(
  list      text,
  user_id   uuid,
  after_id  uuid,
  after_nth integer,
  row_limit integer
) returns table (id uuid, nth integer, item jsonb)
language plpgsql stable security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if list = 'memberships' then
    return query
      select m.organization_id, 1, private.member_summary(m) || jsonb_build_object('name', o.name)
        from public.organization_members as m
        join public.organizations as o on o.id = m.organization_id
       where m.user_id = exported_rows.user_id
         and (m.organization_id, 1) > (after_id, after_nth)
       order by m.organization_id
       limit row_limit;

  elsif list = 'invitations' then
    return query
      select i.id, 1, private.invitation_summary(i)
        from public.organization_invitations as i
       where (
               i.created_by = exported_rows.user_id
               or i.email = (
                    select lower(u.email) from auth.users as u where u.id = exported_rows.user_id
                  )
             )
         and (i.id, 1) > (after_id, after_nth)
       order by i.id
       limit row_limit;

  elsif list = 'shares_given' then
    return query
      select s.id, 1, private.share_summary(s)
        from public.shared_compositions as s
       where s.id in (
               select s.id
                 from public.shared_compositions as s
                where s.created_by = exported_rows.user_id
               union
               select s.id
                 from public.user_compositions as c
                 join public.shared_compositions as s on s.composition_id = c.id
                where c.owner_id = exported_rows.user_id
             )
         and (s.id, 1) > (after_id, after_nth)
         and private.composition_role(s.composition_id) is not null
       order by s.id
       limit row_limit;

  elsif list = 'shares_received' then
    return query
      select s.id, 1, private.share_summary(s)
        from public.shared_compositions as s
        join public.user_compositions as c on c.id = s.composition_id
       where s.user_id = exported_rows.user_id
         and c.deleted_at is null
         and (s.id, 1) > (after_id, after_nth)
       order by s.id
       limit row_limit;

  elsif list = 'pins' then
    return query
      select p.id, 1, private.pin_summary(p) || jsonb_build_object('created_at', p.created_at)
        from public.composition_pins as p
       where p.user_id = exported_rows.user_id
         and (p.id, 1) > (after_id, after_nth)
       order by p.id
       limit row_limit;

  elsif list = 'authored' then
    return query
      select v.composition_id, v.version, private.version_summary(v)
        from public.composition_versions as v
       where v.author_id = exported_rows.user_id
         and (v.composition_id, v.version) > (after_id, after_nth)
         and v.composition_id in (
               select f.id
                 from (
                   select distinct c.id
                     from public.composition_versions as v
                     join public.user_compositions as c on c.id = v.composition_id
                    where v.author_id = exported_rows.user_id
                      and c.owner_id <> exported_rows.user_id
                 ) as f
                where private.composition_role(f.id) is not null
             )
       order by v.composition_id, v.version
       limit row_limit;

  elsif list = 'layers' then
    return query
      select l.id, 1, jsonb_build_object(
               'composition_id', l.composition_id,
               'base_version', l.base_version,
               'patch', l.patch,
               'origin', l.origin,
               'updated_at', l.updated_at
             )
        from public.composition_layers as l
       where l.user_id = exported_rows.user_id
         and (l.id, 1) > (after_id, after_nth)
         and private.composition_role(l.composition_id) is not null
       order by l.id
       limit row_limit;
  end if;
end;
$$;

-- Ask a client that moves a default of an organisation for its role once more: the policy was
-- evaluated before the row was locked, and whoever held it may have been taking the role away. As
-- with any row that a policy hides, there is then nothing to update, and no error.
create function private.guard_pin() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if current_user = 'authenticated'
    and old.organization_id is not null
    and old.organization_id <> all (private.my_administered_organization_ids())
  then
    return null;
  end if;
  return new;
end;
$$;

create trigger composition_pins_guard
  before update of position on public.composition_pins
  for each row execute function private.guard_pin();

-- What load_home() answers, but for the composition itself.
--
--   user_id  whose page it is
--   pin      what is pinned as 'home' (private.chosen_pin()); null: nothing
--   skipped  how many pins were passed over before
--   etag     of what private.load() answers about it; null: nothing is pinned
--   page     {contexts, organizations, etag}
--
-- Definer rights: as load_home().
create function private.home_page(
  user_id     uuid,
  out pin     public.composition_pins,
  out skipped integer,
  out etag    text,
  out page    jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  choice constant record := private.chosen_pin('home', home_page.user_id);
begin
  pin := choice.pin;
  skipped := choice.skipped;
  if pin.id is not null then
    etag := private.load_etag(
      pin.composition_id, home_page.user_id, extra => private.pin_reason(pin)
    );
  end if;

  page := jsonb_build_object(
    'contexts', (
      select coalesce(
               jsonb_agg(
                 private.pin_place(p)
                 order by p.position, p.context collate "C", p.organization_id nulls first
               ),
               '[]'
             )
        from public.composition_pins as p
       where p.user_id = home_page.user_id
          or p.organization_id = any (array(
               select m.organization_id
                 from public.organization_members as m
                where m.user_id = home_page.user_id
             ))
    ),
    'organizations', (
      select coalesce(
               jsonb_agg(
                 jsonb_build_object('organization_id', o.id, 'name', o.name, 'role', m.role)
                 order by m.created_at, o.id
               ),
               '[]'
             )
        from public.organization_members as m
        join public.organizations as o on o.id = m.organization_id
       where m.user_id = home_page.user_id
    )
  );
  page := page || jsonb_build_object('etag', left(
    encode(private.content_hash(page || jsonb_build_object('home', etag)), 'hex'), 32
  ));
end;
$$;

-- Let caches forget the members of organisations that a statement renamed: load_home() and the
-- reason of resolve_context() show the name.
--
-- Definer rights: whoever renames an organisation may not write the outbox.
create function private.invalidate_organizations() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.note_invalidations('{}', array(
    select distinct m.user_id
      from before as b
      join after as a on a.id = b.id and a.name <> b.name
      join public.organization_members as m on m.organization_id = a.id
  ));
  return null;
end;
$$;

create trigger organizations_invalidate
  after update on public.organizations
  referencing old table as before new table as after
  for each statement execute function private.invalidate_organizations();

-- Let caches forget the people for whom a statement changed what is pinned: whose pin it is, or all
-- members of the organisation.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_pins() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  user_ids         uuid[];
  organization_ids uuid[];
begin
  if tg_op = 'INSERT' then
    select array_agg(p.user_id), array_agg(p.organization_id)
      into user_ids, organization_ids
      from added as p;
  elsif tg_op = 'UPDATE' then
    with was as (
      select b.user_id, b.organization_id, b.context, b.composition_id, b.position
        from before as b
    ),
    is_now as (
      select a.user_id, a.organization_id, a.context, a.composition_id, a.position
        from after as a
    )
    select array_agg(f.user_id), array_agg(f.organization_id)
      into user_ids, organization_ids
      from (
        (table was except table is_now)
        union all
        (table is_now except table was)
      ) as f;
  else
    select array_agg(p.user_id), array_agg(p.organization_id)
      into user_ids, organization_ids
      from gone as p;
  end if;

  perform private.note_invalidations('{}', array(
    select u.id from unnest(user_ids) as u (id) where u.id is not null
    union
    select m.user_id
      from public.organization_members as m
     where m.organization_id = any (organization_ids)
  ));
  return null;
end;
$$;

create trigger composition_pins_invalidate_inserted
  after insert on public.composition_pins
  referencing new table as added
  for each statement execute function private.invalidate_pins();

create trigger composition_pins_invalidate_updated
  after update on public.composition_pins
  referencing old table as before new table as after
  for each statement execute function private.invalidate_pins();

create trigger composition_pins_invalidate_deleted
  after delete on public.composition_pins
  referencing old table as gone
  for each statement execute function private.invalidate_pins();

-- What layers, and whatever else an answer says, add to the etag of a load:
-- private.composition_summary() takes it as also.
--
--   composition_id  a composition that somebody may view
--   user_id         the person
--   extra           object: what else the answer says; null: nothing
--   returns         object, or null: neither is there
--
-- Definer rights: as private.layers_over().
create function private.layers_in_etag(
  composition_id uuid,
  user_id        uuid,
  extra          jsonb default null
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if exists (
    select from public.composition_layers as l
     where l.composition_id = layers_in_etag.composition_id
  ) then
    return (
      select private.also_in_etag(o.layers, layers_in_etag.extra)
        from private.layers_over(layers_in_etag.composition_id, layers_in_etag.user_id) as o
    );
  end if;
  return private.also_in_etag(null, layers_in_etag.extra);
end;
$$;

-- The etag of what private.load() would answer, without the work of the answer.
--
--   composition_id  any id
--   user_id         who would load it
--   layered         as private.load() has it
--   extra           as private.load() has it
--   returns         the etag; null: it would refuse
--
-- Definer rights: as private.composition_access().
create function private.load_etag(
  composition_id uuid,
  user_id        uuid,
  layered        boolean default true,
  extra          jsonb default null
) returns text
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (
    select private.composition_summary(
             c,
             a.role,
             case
               when layered then
                 private.layers_in_etag(c.id, load_etag.user_id, load_etag.extra)
               else private.also_in_etag(null, load_etag.extra)
             end
           ) ->> 'etag'
      from public.user_compositions as c
     cross join lateral private.composition_access(c.id, load_etag.user_id) as a
     where c.id = load_etag.composition_id
       and c.deleted_at is null
       and c.current_version > 0
       and a.role is not null
  );
end;
$$;

-- Take the pins of a person or an organisation for a change, after everyone who came first: each
-- finds them as they are, and of several at once only one has the room for the last pin.
--
--   owner_id  the id of a person or an organisation
--
-- It comes where private.require_quota() does in the order of locks, after compositions.
create function private.lock_pins(owner_id uuid) returns void
language plpgsql volatile
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('pins of ' || owner_id::text, 0));
end;
$$;

-- Whether load_composition() would answer somebody: with a composition in the trash, it refuses its
-- owners, too.
--
--   composition_id  any id
--   user_id         who would load it
--
-- Definer rights: as private.composition_access().
create function private.may_view(composition_id uuid, user_id uuid) returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access record := private.composition_access(may_view.composition_id, may_view.user_id);
begin
  return access.role is not null and exists (
    select from public.user_compositions as c
     where c.id = may_view.composition_id and c.deleted_at is null
  );
end;
$$;

-- Where something is pinned, as answers show it: without what it is.
--
--   pin      a row of composition_pins of the caller's, or of an organisation of theirs
--   returns  {context, scope, organization_id, position}
create function private.pin_place(pin public.composition_pins) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'context', pin.context,
    'scope', case when pin.organization_id is null then 'me' else 'organization' end,
    'organization_id', pin.organization_id,
    'position', pin.position
  );
end;
$$;

-- Why somebody is shown what is pinned.
--
--   pin      a row of composition_pins of theirs, or of an organisation of theirs
--   returns  {reason: {scope, organization_id?, context, text}}, for private.load()
--
-- Definer rights: it may be told for any person.
create function private.pin_reason(pin public.composition_pins) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if pin.organization_id is null then
    return jsonb_build_object(
      'reason',
      jsonb_build_object('scope', 'me', 'context', pin.context, 'text', 'pinned by you')
    );
  end if;
  return (
    select jsonb_build_object(
             'reason',
             jsonb_build_object(
               'scope', 'organization',
               'organization_id', o.id,
               'context', pin.context,
               'text', 'default of ' || o.name
             )
           )
      from public.organizations as o
     where o.id = pin.organization_id
  );
end;
$$;

-- A pin as answers show it.
--
--   pin      a row of composition_pins of the caller's, or of an organisation of theirs
--   returns  {context, scope, organization_id, position, composition_id}; composition_id is null
--            where the caller may not view it now
create function private.pin_summary(pin public.composition_pins) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return private.pin_place(pin) || jsonb_build_object(
    'composition_id',
    case when private.may_view(pin.composition_id, auth.uid()) then pin.composition_id end
  );
end;
$$;

-- Pin a composition, in the place of what is pinned in the same context.
--
--   user_id          whose pin it is …
--   organization_id  … or whose default
--   context          where
--   composition_id   a composition locked by the caller
--   position         among the contexts of a page; null: where the pin before it was, or 0
--   origin           how it came to be: {"kind": …}
--   returns          the row
--
-- Raises
--   PT403 quota_exceeded    there are as many pins as a person or an organisation may have
--   PT422 invalid_argument  the context breaks its rule
--
-- Definer rights: nobody may write pins in any other way.
create function private.put_pin(
  user_id         uuid,
  organization_id uuid,
  context         text,
  composition_id  uuid,
  "position"      integer,
  origin          jsonb
) returns public.composition_pins
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  before   public.composition_pins;
  after    public.composition_pins;
  broken   text;
  argument text;
begin
  perform private.lock_pins(coalesce(put_pin.user_id, put_pin.organization_id));
  select p.* into before
    from public.composition_pins as p
   where p.user_id is not distinct from put_pin.user_id
     and p.organization_id is not distinct from put_pin.organization_id
     and p.context = put_pin.context;

  if before.id is null then
    perform private.require_room('max_pins', (
      select count(*)
        from public.composition_pins as p
       where p.user_id = put_pin.user_id or p.organization_id = put_pin.organization_id
    ));
  end if;

  insert into public.composition_pins as p
    (user_id, organization_id, context, composition_id, position)
  values
    (put_pin.user_id, put_pin.organization_id, put_pin.context, put_pin.composition_id,
     coalesce(put_pin.position, 0))
  on conflict on constraint composition_pins_context_once do update
     set composition_id = excluded.composition_id,
         position = coalesce(put_pin.position, p.position)
  returning p.* into after;

  perform private.note_turn_change(
    'pin',
    case when before.id is not null then to_jsonb(before) end,
    to_jsonb(after),
    put_pin.origin
  );
  return after;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;

-- Refuse what is no list of cached entries for current_etags().
--
--   entries  as sent
--
-- Raises
--   PT422 invalid_argument  no array of at most 500, or an entry that is none, with the place of
--                           the first such one
create or replace function private.require_cached_entries(entries jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  keys  constant text[] := '{composition_id,user_id,layered,context,home}';
  uuids constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  place bigint;
begin
  if jsonb_typeof(entries) = 'array' and jsonb_array_length(entries) <= 500 then
    select min(e.nth) - 1 into place
      from jsonb_array_elements(entries) with ordinality as e (entry, nth)
     where not case
       when jsonb_typeof(e.entry) <> 'object' then false
       else e.entry - keys = '{}'
        and coalesce(e.entry ->> 'composition_id' ~ uuids, false)
        and coalesce(e.entry ->> 'user_id' ~ uuids, false)
        -- At most one of these, which say what was loaded.
        and (e.entry - '{composition_id,user_id}'::text[] in (
               '{}', '{"layered": false}', '{"home": true}'
             )
             or jsonb_typeof(e.entry -> 'context') = 'string'
             and not e.entry ?| '{layered,home}')
     end;
    if place is null then
      return;
    end if;
  end if;

  raise exception 'entries are at most 500 compositions, each with a person' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument', 'argument', 'entries', 'index', place
    )),
    hint    = 'Send {"composition_id", "user_id"}, both ids, with "layered": false, "context" or'
              ' "home": true if it was loaded so.';
end;
$$;

-- Refuse unless all members of an organisation may view a composition.
--
--   composition_id   a composition that the caller may view
--   organization_id  an organisation of the caller's
--
-- Raises
--   PT409 not_visible_to_organization  it is neither the organisation's nor shared with it
create function private.require_visible_to_organization(composition_id uuid, organization_id uuid)
returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not private.organization_may_view(composition_id, organization_id) then
    raise exception 'composition % is not shared with organisation %',
      composition_id, organization_id using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'not_visible_to_organization', 'organization_id', organization_id
      ),
      hint    = 'Share it with the organisation first, or transfer it there.';
  end if;
end;
$$;

-- What loads would answer now, to hold what caches have against it.
--
--   entries  array of at most 500 {composition_id, user_id, layered?, context?, home?}, at most one
--            of the last three: layered is false, home is true
--   returns  [{composition_id, user_id, layered?, context?, home?, etag}], in the same order: the
--            etag that load_composition() would answer this person, also with layered: false, or
--            resolve_context() or load_home() would; null where it would refuse, or would choose
--            another composition
--
-- Raises
--   PT422 invalid_argument  entries are something else, with the place of the first such one
--
-- Definer rights: jobs have no access to tables.
create or replace function public.current_etags(entries jsonb) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_cached_entries(current_etags.entries);

  return (
    select coalesce(
             jsonb_agg(
               e.entry || jsonb_build_object('etag', private.current_etag(e.entry)) order by e.nth
             ),
             '[]'
           )
      from jsonb_array_elements(current_etags.entries) with ordinality as e (entry, nth)
  );
end;
$$;

-- Export all that is held about the caller, page by page: merge the lists of all pages.
--
--   after      next of the page before; null: the first page
--   row_limit  1 to 200 compositions
--   returns    {account?, memberships?, invitations?, shares_given?, shares_received?, pins?,
--              authored?, layers?, compositions, next}
--
--   account          {user_id, email, created_at}, on the first page
--   memberships      [{organization_id, name, user_id, role, created_at}]
--   invitations      [{invitation_id, organization_id, email, role, expires_at, created_by,
--                    created_at}] by the caller, or to their address
--   shares_given     [{composition_id, user_id, organization_id, link_id, role, expires_at,
--                    created_by, created_at}] by the caller, or on what they own
--   shares_received  [{composition_id, user_id, organization_id, link_id, role, expires_at,
--                    created_by, created_at}] in person
--   pins             [{context, scope, organization_id, composition_id, position, created_at}] of
--                    the caller; composition_id is null where they may not view it now
--   authored         [{composition_id, version, content_hash, parent_version, kind, author_id,
--                    origin, message, label, created_at}] by the caller in compositions of
--                    others
--   layers           [{composition_id, base_version, patch, origin, updated_at}] in person
--   compositions     [{composition_id, title, description, tags, owner_id, organization_id,
--                    version, content_hash, updated_at, forked_from_id, forked_from_version,
--                    created_at, deleted_at, versions: [{composition_id, version, content_hash,
--                    parent_version, kind, author_id, origin, message, label, created_at,
--                    document}]}] that the caller owns, those in the trash too, oldest version
--                    first; a long history goes on on the next page, under the same
--                    composition_id
--   next             cursor or null
--
-- Raises
--   PT401 not_signed_in     the token names nobody
--   PT422 invalid_argument  row_limit is out of range
--   PT422 invalid_cursor    after is no cursor of this list
--
-- A page has at most 4 MiB of text, or one version more, and 1000 rows of the lists before
-- compositions. A list that a page does not have has ended before, or begins later. What comes to
-- be while somebody pages may be missed.
--
-- The caller's versions in compositions of others come without their documents: those belong to
-- these compositions, and get_version() has them for as long as the caller may see them. After
-- that, they are not listed either, nor are layers over these compositions.
--
-- Definer rights: callers have no access to accounts, nor to what is in their trash.
create or replace function public.export_my_data(
  after     text default null,
  row_limit integer default 20
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller    constant uuid := private.caller_id();
  page      constant integer := private.row_limit(export_my_data.row_limit);
  lists     constant text[] :=
    '{memberships,invitations,shares_given,shares_received,pins,authored,layers,compositions}';
  room      integer := 1000;             -- rows of the lists before compositions
  bytes     integer := 4 * 1024 * 1024;  -- left on this page
  list      text := lists[1];
  after_id  uuid := '00000000-0000-0000-0000-000000000000';
  after_nth integer := 0;
  answer    jsonb := '{}';
  entry     record;
  items     jsonb[];
begin
  if after is null then
    answer := jsonb_build_object('account', (
      select jsonb_build_object('user_id', u.id, 'email', u.email, 'created_at', u.created_at)
        from auth.users as u
       where u.id = caller
    ));
  elsif after !~ '^[a-z_]+_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_[0-9]{1,9}$'
    or substring(after, '^(.*)_.*_') <> all (lists)
  then
    perform private.refuse_cursor();
  else
    list := substring(after, '^(.*)_.*_');
    after_id := substring(after, '_([^_]*)_[0-9]*$')::uuid;
    after_nth := substring(after, '[0-9]*$')::integer;
  end if;

  while list <> 'compositions' loop
    items := '{}';
    for entry in
      select r.id, r.nth, r.item
        from private.exported_rows(list, caller, after_id, after_nth, room + 1) as r
    loop
      bytes := bytes - octet_length(entry.item::text);
      if room = 0 or bytes < 0 then
        return answer || jsonb_build_object(
          list, to_jsonb(items),
          'compositions', '[]'::jsonb,
          'next', format('%s_%s_%s', list, after_id, after_nth)
        );
      end if;
      items := array_append(items, entry.item);
      room := room - 1;
      after_id := entry.id;
      after_nth := entry.nth;
    end loop;

    answer := answer || jsonb_build_object(list, to_jsonb(items));
    list := lists[array_position(lists, list) + 1];
    after_id := '00000000-0000-0000-0000-000000000000';
    after_nth := 0;
  end loop;

  return answer || private.exported_compositions(caller, after_id, after_nth, page, bytes);
end;
$$;

-- List what the caller has pinned, and the defaults of their organisations: those that they may
-- view now.
--
--   returns  [{context, scope, organization_id, composition_id, position, title, role}], the
--            caller's own first, each scope by position and context; scope is 'me' or
--            'organization', role the caller's on the composition: 'owner', 'editor' or 'viewer'
--
-- Raises
--   PT401 not_signed_in  the token names nobody
--
-- Definer rights: as load_composition().
create function public.list_pins() returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
begin
  return (
    select coalesce(
             jsonb_agg(
               private.pin_summary(p) || jsonb_build_object('title', c.title, 'role', a.role)
               order by p.organization_id nulls first, p.position, p.context collate "C"
             ),
             '[]'
           )
      from public.composition_pins as p
      join public.user_compositions as c on c.id = p.composition_id and c.deleted_at is null
     cross join lateral private.composition_access(c.id, caller) as a
     where (p.user_id = caller or p.organization_id = any (private.my_organization_ids()))
       and a.role is not null
  );
end;
$$;

-- Load all that a first page needs: what is pinned as 'home' for the caller, the contexts in which
-- something is pinned for them, and the organisations that they belong to.
--
--   known_etags  etags of answers that the caller has: the document of one of them is left out
--   returns      {home, contexts, organizations, etag, version, unchanged?}; instead of the
--                document of home, unchanged is true where the etag is one of known_etags
--
--   home           what resolve_context('home') answers; null where it would refuse
--   contexts       [{context, scope, organization_id, position}] of all pins of the caller and of
--                  their organisations, by position and context; scope is 'me' or 'organization'
--   organizations  [{organization_id, name, role}], the one that they have belonged to for longest
--                  first
--   etag           another one whenever anything of the answer is another one
--   version        that of home; 0 without one
--
-- Raises
--   PT401 not_signed_in  the token names nobody
--
-- contexts are there whether or not the caller may view what is pinned in them, which
-- resolve_context() says. The headers are those of resolve_context().
--
-- Definer rights: as load_composition().
create function public.load_home(known_etags text[] default '{}') returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  here   constant record := private.home_page(caller);
  known  constant boolean := coalesce(here.page ->> 'etag' = any (known_etags), false);
  home   jsonb;
  answer jsonb := here.page || '{"home": null, "version": 0}';
begin
  if known then
    answer := answer || '{"unchanged": true}';
  end if;
  perform private.announce_skipped(here.skipped);
  if here.etag is null then
    return answer;
  end if;

  home := private.load(
    composition_id => (here.pin).composition_id,
    user_id        => caller,
    known_etags    => case when known then array[here.etag] else '{}' end,
    layered        => true,
    extra          => private.pin_reason(here.pin)
  );
  answer := answer || jsonb_build_object('version', home -> 'version');
  return jsonb_set(answer, '{home}', home - 'unchanged');
end;
$$;

-- Say what is shown in a context: for the caller, or for the members of an organisation who have
-- pinned nothing else there. It replaces what was pinned.
--
--   context          where: 'home' is the first page, 'route:/videos' a page, the rest is up to the
--                    host (docs/contexts.md)
--   composition_id   a composition the caller may view
--   scope            'me' or 'organization'
--   organization_id  with 'organization', one that the caller administers; null: the one that the
--                    composition belongs to
--   position         where it stands among the contexts, for whoever shows them as a list; null: as
--                    the pin before it, or 0
--   origin           how it came to be (docs/history.md); null: a person made it
--   returns          {context, scope, organization_id, composition_id, position}
--
-- Raises
--   PT401 not_signed_in                the token names nobody
--   PT401 account_not_found            the account of the token is gone
--   PT404 composition_not_found        absent, or not readable by the caller
--   PT404 organization_not_found       absent, or the caller is no member
--   PT403 organization_role_too_low    a member, but no admin
--   PT403 quota_exceeded               there are as many pins as a person or an organisation may
--                                      have
--   PT409 not_visible_to_organization  the organisation could not view it
--   PT410 composition_trashed          in the trash
--   PT422 invalid_argument             context, scope or origin is not valid, 'me' has an
--                                      organisation, or 'organization' none
--
-- A pin gives nobody a role: a default is for those who may view it.
--
-- Definer rights: nobody may write pins in any other way.
create function public.pin_composition(
  context         text,
  composition_id  uuid,
  scope           text default 'me',
  organization_id uuid default null,
  "position"      integer default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  made     constant jsonb := private.version_origin(pin_composition.origin);
  receiver uuid := pin_composition.organization_id;
  piece    public.user_compositions;
  pin      public.composition_pins;
begin
  perform private.require_scope(pin_composition.scope, pin_composition.organization_id);
  -- Asked before anything is locked: a stranger cannot hold anyone up.
  perform private.require_composition_role(pin_composition.composition_id, 'viewer');

  if scope = 'organization' then
    if receiver is null then
      select c.organization_id into receiver
        from public.user_compositions as c
       where c.id = pin_composition.composition_id;
    end if;
    if receiver is null then
      perform private.refuse_argument('', 'organization_id');
    end if;
    perform private.lock_organization(receiver, 'admin');
  end if;

  piece := private.lock_composition(pin_composition.composition_id, 'viewer');
  if receiver is not null then
    perform private.require_visible_to_organization(piece.id, receiver);
  end if;

  pin := private.put_pin(
    user_id         => case when receiver is null then private.caller_id() end,
    organization_id => receiver,
    context         => pin_composition.context,
    composition_id  => piece.id,
    "position"      => pin_composition.position,
    origin          => made
  );
  return private.pin_summary(pin);
end;
$$;

-- Load what is shown to the caller in a context: what they have pinned there, else the default of
-- one of their organisations, first of the one to which they have belonged for longest. A pin on
-- what they may not view now, or on what is in the trash, is passed over.
--
--   context      'home', 'route:/videos' … (docs/contexts.md)
--   known_etags  etags of answers that the caller has: the document of one of them is left out
--   returns      {composition_id, title, description, tags, owner_id, organization_id, role,
--                version, content_hash, etag, updated_at, forked_from_id, forked_from_version,
--                document?, layers?, unchanged?, reason}: what load_composition() answers, and why
--                this one; the etag stands for the reason as well
--
--   reason       {scope, organization_id?, context, text}: whose pin it is. scope is 'me' or
--                'organization', text says it for people: pinned by you, default of Northwind
--
-- Raises
--   PT401 not_signed_in   the token names nobody
--   PT404 nothing_pinned  nothing that the caller may view
--
-- The header Access-Until of the answer is that of load_composition(). The header
-- Candidates-Skipped says how many pins were passed over, if any were: what is chosen may then
-- change without a change of a pin, and no cache may keep the choice. A refusal says it as skipped.
--
-- Definer rights: as load_composition().
create function public.resolve_context(context text, known_etags text[] default '{}')
returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  choice record := private.chosen_pin(resolve_context.context, caller);
begin
  if (choice.pin).id is null then
    raise exception 'nothing is pinned there' using
      errcode = 'PT404',
      detail  = jsonb_strip_nulls(jsonb_build_object(
        'code', 'nothing_pinned',
        'skipped', nullif(choice.skipped, 0)
      )),
      hint    = 'Pin a composition with pin_composition().';
  end if;

  perform private.announce_skipped(choice.skipped);
  return private.load(
    composition_id => (choice.pin).composition_id,
    user_id        => caller,
    known_etags    => resolve_context.known_etags,
    layered        => true,
    extra          => private.pin_reason(choice.pin)
  );
end;
$$;

-- Take back what pin_composition() has said about a context: the next one counts again.
--
--   context          as it was pinned
--   scope            'me' or 'organization'
--   organization_id  with 'organization', one that the caller administers
--   origin           how it came to be (docs/history.md); null: a person did it
--   returns          {context, scope, organization_id, composition_id, position} of the pin that
--                    is gone; composition_id is null where the caller may not view it now
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, but no admin
--   PT404 pin_not_found              nothing is pinned there
--   PT422 invalid_argument           scope or origin is not valid, 'me' has an organisation, or
--                                    'organization' none
--
-- Definer rights: nobody may write pins in any other way.
create function public.unpin_composition(
  context         text,
  scope           text default 'me',
  organization_id uuid default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  made   constant jsonb := private.version_origin(unpin_composition.origin);
  caller uuid;
  before public.composition_pins;
begin
  perform private.require_scope(unpin_composition.scope, unpin_composition.organization_id);
  if scope = 'organization' then
    if unpin_composition.organization_id is null then
      perform private.refuse_argument('', 'organization_id');
    end if;
    perform private.lock_organization(unpin_composition.organization_id, 'admin');
  else
    caller := private.lock_caller();
  end if;
  perform private.lock_pins(coalesce(unpin_composition.organization_id, caller));

  delete from public.composition_pins as p
   where p.user_id is not distinct from caller
     and p.organization_id is not distinct from unpin_composition.organization_id
     and p.context = unpin_composition.context
  returning p.* into before;

  if before.id is null then
    raise exception 'nothing is pinned there' using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'pin_not_found'),
      hint    = 'Look at list_pins() for what is.';
  end if;
  perform private.note_turn_change('pin', to_jsonb(before), null, made);
  return private.pin_summary(before);
end;
$$;

-- Who may do what to a pin. A pin says what it is on, so it is there only for those who may view
-- the composition: with that in the trash, for nobody.
--
--            stranger  who pinned it  member of the organisation  admin
--   select      -           yes                  yes               yes
--   insert      -            -                    -                 -    pin_composition()
--   update      -        position                 -             position
--   delete      -            -                    -                 -    unpin_composition()

revoke all on public.composition_pins from anon, authenticated, service_role;
grant select, update (position) on public.composition_pins to authenticated;

create policy composition_pins_select_viewer on public.composition_pins
  for select to authenticated
  using (
    (
      user_id = (select auth.uid())
      or organization_id
         = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
    )
    and exists (
      select from public.user_compositions as c where c.id = composition_pins.composition_id
    )
  );

create policy composition_pins_update_keeper on public.composition_pins
  for update to authenticated
  using (
    user_id = (select auth.uid())
    or organization_id = any ((select private.my_administered_organization_ids())::uuid[])
  );

grant execute on function
  public.list_pins(),
  public.load_home(text[]),
  public.pin_composition(text, uuid, text, uuid, integer, jsonb),
  public.resolve_context(text, text[]),
  public.unpin_composition(text, text, uuid, jsonb)
to authenticated;
