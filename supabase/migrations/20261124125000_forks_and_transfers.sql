-- The rest of a composition's life: forks, transfers, the emptying of the trash, the export of all
-- that is held about a person, and accounts that are deleted without a trace.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The new one lets through all that the old one did.
alter table public.composition_versions
  drop constraint composition_versions_kind_known,
  add constraint composition_versions_kind_known
    check (kind in ('create', 'fork', 'save', 'restore'));

drop function private.organization_heir(uuid);

-- Delete an organisation that its last member has left, and what was in it.
--
--   organization_id  an organisation locked by the caller; kept if it has members
--
-- Definer rights: nobody may delete an organisation in any other way.
create or replace function private.close_organization(organization_id uuid) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if not exists (
    select from public.organization_members as m
     where m.organization_id = close_organization.organization_id
  ) then
    -- In the order of ids, as all who hold several; those of others too, which lose a share.
    perform from public.user_compositions as c
      where c.organization_id = close_organization.organization_id
         or c.id in (
              select s.composition_id
                from public.shared_compositions as s
               where s.organization_id = close_organization.organization_id
            )
      order by c.id
        for update;
    delete from public.user_compositions as c
     where c.organization_id = close_organization.organization_id;
    delete from public.organizations as o
     where o.id = close_organization.organization_id;
  end if;
end;
$$;

-- Content that private.collect_content() could not look at, since somebody held it: to be looked at
-- again, by purge_trash(). Rows may repeat, and name content that is in use or gone: nobody who
-- writes one waits for another.
create table private.passed_over_content (
  id           bigint generated always as identity,
  content_hash bytea not null,

  constraint passed_over_content_pkey primary key (id)
);

alter table private.passed_over_content enable row level security;

-- Delete content that no version reaches any more, out of some.
--
--   content_hashes  candidates
--   returns         how many there were to delete
--
-- What somebody holds is passed over, and noted for later: a saver (private.store_document()) is
-- about to reach it, unless that comes to nothing, and of two who collect it at once neither sees
-- that the other one's versions are gone. Whether the rest is reached is asked in a statement of
-- its own, which sees what was committed before the locks were taken.
--
-- Definer rights: nobody may delete content in any other way.
create or replace function private.collect_content(content_hashes bytea[]) returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  free    bytea[];
  deleted integer;
begin
  free := array(
    select d.content_hash
      from public.compositions as d
     where d.content_hash = any (collect_content.content_hashes)
       for update skip locked
  );

  insert into private.passed_over_content (content_hash)
  select d.content_hash
    from public.compositions as d
   where d.content_hash in (
           select c.content_hash from unnest(collect_content.content_hashes) as c (content_hash)
           except
           select f.content_hash from unnest(free) as f (content_hash)
         );

  delete from public.compositions as d
   where d.content_hash = any (free)
     and not exists (
       select from public.composition_versions as v where v.content_hash = d.content_hash
     );
  get diagnostics deleted = row_count;
  return deleted;
end;
$$;

-- A composition as answers show it, without its document.
--
--   composition  a row of user_compositions that the caller may read
--   role         the caller's role on it
--   returns      {composition_id, title, description, tags, owner_id, organization_id, role,
--                version, content_hash, etag, updated_at, forked_from_id, forked_from_version};
--                etag changes whenever any of the others or the document does
create or replace function private.composition_summary(
  composition public.user_compositions,
  role        text
) returns jsonb
language plpgsql stable
set search_path = ''
set timezone = 'UTC'  -- an etag is the same whatever zone a client likes its times in
as $$
declare
  summary constant jsonb := jsonb_build_object(
    'composition_id', composition.id,
    'title', composition.title,
    'description', composition.description,
    'tags', to_jsonb(composition.tags),
    'owner_id', composition.owner_id,
    'organization_id', composition.organization_id,
    'role', role,
    'version', composition.current_version,
    'content_hash', encode(composition.current_hash, 'hex'),
    'updated_at', composition.updated_at,
    'forked_from_id', composition.forked_from_id,
    'forked_from_version', composition.forked_from_version
  );
begin
  return summary
    || jsonb_build_object('etag', left(encode(private.content_hash(summary), 'hex'), 32));
end;
$$;

-- The compositions of a person with their histories, for export_my_data().
--
--   user_id        the person, who is the caller
--   after_id       where the page before ended: a composition …
--   after_version  … and a version of it
--   row_limit      at most so many compositions
--   byte_limit     at most so many bytes of text, or one version that is larger
--   returns        {compositions, next}; next: where this page ends, or null: that was all
--
-- Definer rights: as export_my_data().
create function private.exported_compositions(
  user_id       uuid,
  after_id      uuid,
  after_version integer,
  row_limit     integer,
  byte_limit    integer
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
  saved       record;
  about       jsonb;
  item        jsonb;
  items       jsonb[] := '{}';
  versions    jsonb[];
  bytes       integer := 0;
  last_id     uuid := after_id;
  last        integer := after_version;
  is_full     boolean := false;
begin
  for composition in
    select c.*
      from public.user_compositions as c
     where c.owner_id = exported_compositions.user_id
       and (c.id > after_id or c.id = after_id and c.current_version > after_version)
     order by c.id
     limit row_limit + 1
  loop
    is_full := cardinality(items) = row_limit;
    exit when is_full;

    about := (private.composition_summary(composition, 'owner') - '{role,etag}'::text[])
      || jsonb_build_object(
        'created_at', composition.created_at, 'deleted_at', composition.deleted_at
      );
    bytes := bytes + octet_length(about::text);
    versions := '{}';

    for saved in
      select v as version, d.document
        from public.composition_versions as v
        join public.compositions as d on d.content_hash = v.content_hash
       where v.composition_id = composition.id
         and (composition.id <> after_id or v.version > after_version)
       order by v.version
    loop
      item := jsonb_set(private.version_summary(saved.version), '{document}', saved.document);
      bytes := bytes + octet_length(item::text);
      is_full := bytes > byte_limit and cardinality(items) + cardinality(versions) > 0;
      exit when is_full;

      versions := array_append(versions, item);
      last_id := composition.id;
      last := (saved.version).version;
    end loop;

    if cardinality(versions) > 0 or not is_full then
      items := array_append(items, jsonb_set(about, '{versions}', to_jsonb(versions)));
    end if;
    exit when is_full;
    last_id := composition.id;
    last := composition.current_version;
  end loop;

  return jsonb_build_object(
    'compositions', to_jsonb(items),
    'next', case when is_full then format('compositions_%s_%s', last_id, last) end
  );
end;
$$;

-- What is held about a person outside their compositions, for export_my_data(): one list of it.
--
--   list       'memberships', 'invitations', 'shares_given', 'shares_received' or 'authored'
--   user_id    the person, who is the caller
--   after_id   where the page before ended …
--   after_nth  … in the order of (id, nth)
--   row_limit  at most so many
--   returns    rows in that order, with what export_my_data() shows of each
--
-- Definer rights: as export_my_data().
create function private.exported_rows(
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
  end if;
end;
$$;

-- End the memberships of an account before it is deleted: an organisation's work passes to those
-- who stay (private.hand_over_compositions()), who get an owner if they have none left; an
-- organisation without members goes, and what was in it. So do invitations to their address. All
-- else that is theirs goes by cascade, which comes after this.
--
-- Locks are taken in the order that private.lock_caller() names, each kind for all organisations
-- before the next one, and all compositions in which the cascades will touch a row: so nobody who
-- waits for this is waited for.
--
-- Definer rights: whoever deletes an account need not be a member.
create or replace function private.forget_account() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  left_ids uuid[];
  left_id  uuid;
  heir     uuid;
begin
  left_ids := array(
    select m.organization_id
      from public.organization_members as m
     where m.user_id = old.id
     order by m.organization_id
  );
  perform from public.organizations as o
    where o.id = any (left_ids)
    order by o.id
      for no key update;

  foreach left_id in array left_ids loop
    heir := private.organization_heir(left_id, old.id);
    update public.organization_members as m
       set role = 'owner'
     where m.organization_id = left_id and m.user_id = heir and m.role <> 'owner';
  end loop;

  perform from public.user_compositions as c
    where c.id in (
      select c.id from public.user_compositions as c where c.owner_id = old.id
      union
      select v.composition_id from public.composition_versions as v where v.author_id = old.id
      union
      select s.composition_id
        from public.shared_compositions as s
       where s.user_id = old.id or s.created_by = old.id
      union
      select s.composition_id  -- of an organisation that goes with its last member
        from public.shared_compositions as s
       where s.organization_id = any (left_ids)
         and not exists (
           select from public.organization_members as m
            where m.organization_id = s.organization_id and m.user_id <> old.id
         )
    )
    order by c.id
      for update;

  delete from public.organization_members as m where m.user_id = old.id;
  delete from public.organization_invitations as i where i.email = lower(old.email);

  foreach left_id in array left_ids loop
    perform private.close_organization(left_id);
  end loop;
  return old;
end;
$$;

create or replace trigger users_forget_account
  before delete on auth.users
  for each row execute function private.forget_account();

-- Keep an organisation's work in the organisation: when a membership ends, however it ends, the
-- compositions that the person owned there, those in the trash as well, pass to
-- private.organization_heir(). However many these may own: work is not lost for a quota.
--
-- Definer rights: nobody may change an owner in any other way.
create or replace function private.hand_over_compositions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  heir uuid := private.organization_heir(old.organization_id, old.user_id);
begin
  if heir is not null then
    -- In the order of ids, as all who hold several.
    perform from public.user_compositions as c
      where c.organization_id = old.organization_id
        and c.owner_id = old.user_id
      order by c.id
        for no key update;
    update public.user_compositions as c
       set owner_id = heir
     where c.organization_id = old.organization_id
       and c.owner_id = old.user_id;
  end if;
  return null;
end;
$$;

create or replace trigger organization_members_hand_over
  after delete on public.organization_members
  for each row execute function private.hand_over_compositions();

-- Make a composition of the caller's with its first version: the only way to make one.
--
--   organization_id      an organisation of the caller's that it belongs to; null: personal
--   title                1 to 200 characters
--   description          at most 2000 characters; null: none
--   tags                 at most 20; null: none
--   document             a composition document (docs/document.md)
--   kind                 what the version is: a value of composition_versions.kind
--   origin               who made it and how: {"kind": …}
--   message              what the version is, in words; null: nothing to say
--   forked_from_id       the composition that it was forked from; null: no fork
--   forked_from_version  the version of that one
--   returns              {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT403 quota_exceeded          the caller owns as many compositions as a person may
--   PT404 organization_not_found  absent, or the caller is no member
--   PT422 invalid_document        with every problem found, by path
--   PT422 invalid_argument        title, description, tags or message break their rule
--
-- Definer rights: nobody may insert a composition in any other way.
create function private.insert_composition(
  organization_id     uuid,
  title               text,
  description         text,
  tags                text[],
  document            jsonb,
  kind                text,
  origin              jsonb,
  message             text,
  forked_from_id      uuid default null,
  forked_from_version integer default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.lock_caller();
  id       uuid;
  broken   text;
  argument text;
begin
  if insert_composition.organization_id is not null then
    perform private.require_organization_role(insert_composition.organization_id, 'member');
    -- Held until the end: who is being removed meanwhile leaves this composition behind, too.
    perform private.lock_memberships(array[caller], array[insert_composition.organization_id]);
    -- Again: who has been removed while this waited is refused.
    perform private.require_organization_role(insert_composition.organization_id, 'member');
  end if;

  perform private.require_quota(caller);

  insert into public.user_compositions as c
    (owner_id, organization_id, title, description, tags, forked_from_id, forked_from_version)
  values
    (caller, insert_composition.organization_id, insert_composition.title,
     coalesce(insert_composition.description, ''), coalesce(insert_composition.tags, '{}'),
     insert_composition.forked_from_id, insert_composition.forked_from_version)
  returning c.id into id;

  return private.append_version(
    composition_id => id,
    base_version   => 0,
    document       => insert_composition.document,
    kind           => insert_composition.kind,
    origin         => insert_composition.origin,
    message        => insert_composition.message
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;

-- Take a composition for a change, after everyone who came first.
--
--   composition_id  any id
--   required        'viewer', 'editor' or 'owner': this role or a higher one
--   in_trash        whether it has to be in the trash, or out of it
--   returns         the row, locked until the transaction ends
--
-- Raises
--   PT401 account_not_found  the account of the token is gone
-- and what private.require_composition_role() raises.
--
-- The role is asked before the locks, so that a stranger cannot hold anyone up, and again after
-- them, since whoever held them may have been taking the role away. The memberships that it may
-- rest on are locked too: once a member has been removed, nothing of theirs comes after.
--
-- Definer rights: callers may not lock rows.
create or replace function private.lock_composition(
  composition_id uuid,
  required       text,
  in_trash       boolean default false
) returns public.user_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid;
  locked public.user_compositions;
begin
  perform private.require_composition_role(lock_composition.composition_id, required, in_trash);
  caller := private.lock_caller();

  perform private.lock_memberships(
    array[caller], private.organizations_around(lock_composition.composition_id)
  );

  select c.* into locked
    from public.user_compositions as c
   where c.id = lock_composition.composition_id
     for no key update;

  perform private.require_composition_role(lock_composition.composition_id, required, in_trash);
  return locked;
end;
$$;

-- Hold memberships until the end of the transaction: whoever ends one of them, or changes its role,
-- waits until what rests on it is done.
--
--   user_ids          some people
--   organization_ids  some organisations; nulls are none
--
-- Definer rights: callers may not lock rows.
create function private.lock_memberships(user_ids uuid[], organization_ids uuid[]) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform from public.organization_members as m
    where m.user_id = any (lock_memberships.user_ids)
      and m.organization_id = any (lock_memberships.organization_ids)
    order by m.organization_id, m.user_id
      for share;
end;
$$;

-- Who takes over in an organisation: its longest-standing owner; failing that, admin, then member.
--
--   organization_id  an organisation; who is to rely on the answer has it locked
--   user_id          who leaves it
--   returns          the id of another member, or null: there is none
--
-- An account that is just being deleted is passed over if there is another one: waiting for it
-- could be waiting in a circle.
--
-- Definer rights: it must see all members.
create function private.organization_heir(organization_id uuid, user_id uuid) returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  ranks constant text[] := '{owner,admin,member}';
  heir  uuid;
begin
  select m.user_id into heir
    from public.organization_members as m
    join auth.users as u on u.id = m.user_id
   where m.organization_id = organization_heir.organization_id
     and m.user_id <> organization_heir.user_id
   order by array_position(ranks, m.role), m.created_at, m.user_id
   limit 1
     for key share of u skip locked;

  if heir is null then
    select m.user_id into heir
      from public.organization_members as m
     where m.organization_id = organization_heir.organization_id
       and m.user_id <> organization_heir.user_id
     order by array_position(ranks, m.role), m.created_at, m.user_id
     limit 1;
  end if;
  return heir;
end;
$$;

-- The organisations through which somebody may see a composition: its own, and those that it is
-- shared with.
--
--   composition_id  any id
--   returns         ids, empty when there are none
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
--
-- Definer rights: callers may not see whom a composition is shared with.
create function private.organizations_around(composition_id uuid) returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return array(
    select c.organization_id
      from public.user_compositions as c
     where c.id = organizations_around.composition_id
       and c.organization_id is not null
    union
    select s.organization_id
      from public.shared_compositions as s
     where s.composition_id = organizations_around.composition_id
       and s.organization_id is not null
  );
end;
$$;

-- Delete accounts one after another. Each passes work on to a colleague, whose account must not
-- just be going, too; and here, unlike in private.forget_account(), nothing is locked yet.
create function private.queue_account_deletion() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('private.queue_account_deletion', 0));
  return null;
end;
$$;

create trigger users_queue_deletion
  before delete on auth.users
  for each statement execute function private.queue_account_deletion();

-- Refuse if a person owns as many compositions as a person may.
--
--   user_id  who is about to own one more; their account is held by the caller
--
-- Raises
--   PT403 quota_exceeded  they own as many compositions as a person may
--
-- Counted one at a time a person, or several at once would each find room for the last one. Nobody
-- who holds this waits for a composition that others may hold: it comes after compositions in the
-- order of locks. Who loses a composition needs no turn, since that makes room.
--
-- Definer rights: it counts rows that the policies hide.
create function private.require_quota(user_id uuid) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(require_quota.user_id::text, 0));
  perform private.require_room('max_compositions_per_person', (
    select count(*) from public.user_compositions as c where c.owner_id = require_quota.user_id
  ));
end;
$$;

-- Refuse unless the caller may make a person the owner of a composition.
--
--   user_id          who would own it: the caller, or somebody who knows them
--   organization_id  the organisation that it would belong to; null: personal
--   returns          an organisation that both belong to, which is how they know each other; null:
--                    the caller keeps it, as a personal one
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT404 organization_not_found  absent, or the caller is no member
--   PT404 member_not_found        the person is no member of it
--   PT404 user_not_found          no account, or one that is in no organisation with the caller
--
-- A stranger is no receiver, and cannot be told from an account that does not exist.
--
-- Definer rights: it must see all members.
create function private.require_receiver(user_id uuid, organization_id uuid) returns uuid
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  common uuid := require_receiver.organization_id;
begin
  if common is not null then
    perform private.require_organization_role(common, 'member');
    perform private.require_member(common, require_receiver.user_id);
  elsif require_receiver.user_id <> caller then
    select m.organization_id into common
      from public.organization_members as m
     where m.user_id = require_receiver.user_id
       and m.organization_id = any (private.my_organization_ids())
     order by m.organization_id
     limit 1;

    if common is null then
      perform private.refuse_unknown_user(require_receiver.user_id);
    end if;
  end if;
  return common;
end;
$$;

-- Stamp a composition when its head, its metadata, its owner or its organisation changes, or it
-- goes to the trash or comes back. The time is the clock's, not the transaction's: a writer that
-- waited for another one is the later of the two.
--
-- A client that changes the table itself is asked for its role once more: the policy was evaluated
-- before the row was locked, and whoever held it may have been taking the role away. As with any
-- row that a policy hides, there is then nothing to update, and no error.
create or replace function private.touch_composition() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if current_user = 'authenticated'
    and coalesce(private.composition_role(old.id), 'none') not in ('owner', 'editor')
  then
    return null;
  end if;
  new.updated_at := clock_timestamp();
  return new;
end;
$$;

create or replace trigger user_compositions_touch
  before update of owner_id, organization_id, title, description, tags, current_version, deleted_at
  on public.user_compositions
  for each row execute function private.touch_composition();

-- Leave an organisation. What the caller owns there stays, with its longest-standing owner; with
-- its last member an organisation is deleted, and what was in it.
--
--   organization_id  an organisation that the caller belongs to
--   returns          the membership that ended: {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT404 organization_not_found  absent, or the caller is no member
--   PT409 last_owner              the others would be without an owner
--
-- Definer rights: nobody may write members in any other way.
create or replace function public.leave_organization(organization_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  heir   uuid;
begin
  -- Accounts before organisations: who takes over may just be going, too, and is waited for while
  -- nothing is held that they need. The membership is asked first: a stranger holds nobody up.
  perform private.require_organization_role(leave_organization.organization_id, 'member');
  perform private.lock_caller();
  heir := private.organization_heir(leave_organization.organization_id, caller);
  perform from auth.users as u where u.id = heir for key share;

  perform private.lock_organization(leave_organization.organization_id, 'member');
  return private.end_membership(
    private.require_member(leave_organization.organization_id, caller)
  );
end;
$$;

-- Create a composition with its first version.
--
--   title            1 to 200 characters
--   document         a composition document (docs/document.md)
--   organization_id  an organisation of the caller's that it belongs to; null: personal
--   description      at most 2000 characters
--   tags             at most 20
--   message          what this version is, in words; null: nothing to say
--   returns          {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT403 quota_exceeded          the caller owns as many compositions as a person may
--   PT404 organization_not_found  absent, or the caller is no member
--   PT422 invalid_document        with every problem found, by path
--   PT422 invalid_argument        title, description, tags or message break their rule
--
-- Definer rights: callers may not call private.insert_composition(), which checks them.
create or replace function public.create_composition(
  title           text,
  document        jsonb,
  organization_id uuid default null,
  description     text default '',
  tags            text[] default '{}',
  message         text default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return private.insert_composition(
    organization_id => create_composition.organization_id,
    title           => create_composition.title,
    description     => create_composition.description,
    tags            => create_composition.tags,
    document        => create_composition.document,
    kind            => 'create',
    origin          => '{"kind": "user"}',
    message         => create_composition.message
  );
end;
$$;

-- Export all that is held about the caller, page by page: merge the lists of all pages.
--
--   after      next of the page before; null: the first page
--   row_limit  1 to 200 compositions
--   returns    {account?, memberships?, invitations?, shares_given?, shares_received?, authored?,
--              compositions, next}
--
--   account          {user_id, email, created_at}, on the first page
--   memberships      [{organization_id, name, user_id, role, created_at}]
--   invitations      [{invitation_id, organization_id, email, role, expires_at, created_by,
--                    created_at}] by the caller, or to their address
--   shares_given     [{composition_id, user_id, organization_id, link_id, role, expires_at,
--                    created_by, created_at}] by the caller, or on what they own
--   shares_received  [{composition_id, user_id, organization_id, link_id, role, expires_at,
--                    created_by, created_at}] in person
--   authored         [{composition_id, version, content_hash, parent_version, kind, author_id,
--                    origin, message, label, created_at}] by the caller in compositions of
--                    others
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
-- that, they are not listed either.
--
-- Definer rights: callers have no access to accounts, nor to what is in their trash.
create function public.export_my_data(
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
    '{memberships,invitations,shares_given,shares_received,authored,compositions}';
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

-- Make a composition of the caller's own out of one they may view.
--
--   composition_id   a composition the caller may view
--   title            1 to 200 characters; null: that of the composition
--   organization_id  an organisation of the caller's that the fork belongs to; null: personal
--   version          the version whose content it starts with; null: the head
--   returns          the fork: {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT403 quota_exceeded          the caller owns as many compositions as a person may
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 version_not_found       the composition has no such version, or no longer
--   PT404 organization_not_found  absent, or the caller is no member
--   PT410 composition_trashed     in the trash
--   PT422 invalid_document        a limit was lowered since the version was saved
--   PT422 invalid_argument        the title breaks its rule
--
-- Copied are the content of the one version, the description and the tags, as they are now. Not
-- copied are the history, the shares, the owner and the organisation. The fork remembers where it
-- came from (forked_from_id, forked_from_version), and nothing of it changes when that changes,
-- ends, or is no longer shared with the caller.
--
-- Definer rights: callers may not call private.insert_composition(), which checks them.
create function public.fork_composition(
  composition_id  uuid,
  title           text default null,
  organization_id uuid default null,
  version         integer default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid;
  source public.user_compositions;
  chosen integer;
begin
  perform private.require_composition_role(fork_composition.composition_id, 'viewer');
  caller := private.lock_caller();
  perform private.lock_memberships(
    array[caller],
    private.organizations_around(fork_composition.composition_id)
    || fork_composition.organization_id
  );

  -- Whoever purges it or takes a share away waits, and knows that nothing of it comes after; others
  -- who fork it do not wait. get_version() asks for the role again, with the locks held.
  select c.* into source
    from public.user_compositions as c
   where c.id = fork_composition.composition_id
     for share;

  chosen := coalesce(fork_composition.version, source.current_version);

  return private.insert_composition(
    organization_id     => fork_composition.organization_id,
    title               => coalesce(fork_composition.title, source.title),
    description         => source.description,
    tags                => source.tags,
    document            => public.get_version(source.id, chosen) -> 'document',
    kind                => 'fork',
    origin              => jsonb_build_object(
                             'kind', 'user',
                             'forked_from', jsonb_build_object(
                               'composition_id', source.id, 'version', chosen
                             )
                           ),
    message             => null,
    forked_from_id      => source.id,
    forked_from_version => chosen
  );
end;
$$;

-- Purge what has been in the trash for longer than trash_days (private.settings), the oldest first,
-- and collect content that had to be passed over before. For a scheduled job, which calls again
-- while there is more.
--
--   row_limit  1 to 200 compositions
--   returns    {purged, content_collected, more}: how many compositions, how much content that had
--              been passed over, and whether a full load was done
--
-- Raises
--   PT422 invalid_argument  row_limit is out of range
--
-- One run takes fewer compositions when they have long histories, and stays within the statement
-- timeout of the API. Runs at the same time share the work. What somebody holds, such as a
-- composition that is just being taken out of the trash, is left for the next run.
--
-- Definer rights: nobody may delete compositions in any other way.
create function public.purge_trash(row_limit integer default 100) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  page     constant integer := private.row_limit(purge_trash.row_limit);
  versions constant integer := 5000;
  contents constant integer := 5000;
  -- Within what a timestamp can hold, however long an operator wants to keep things.
  overdue  constant timestamptz :=
    now() - least(private.setting('trash_days'), 1000000) * '1 day'::interval;
  held     uuid[];
  due      uuid[];
  noted    bigint[];
  again    bytea[];
begin
  held := array(
    select c.id
      from public.user_compositions as c
     where c.deleted_at < overdue
     order by c.deleted_at
     limit page
       for update skip locked
  );
  due := array(
    select s.id
      from (
        select c.id, sum(c.current_version) over (order by c.deleted_at, c.id) as total,
               row_number() over (order by c.deleted_at, c.id) as nth
          from public.user_compositions as c
         where c.id = any (held)
      ) as s
     where s.nth = 1 or s.total <= versions
  );
  delete from public.user_compositions as c where c.id = any (due);

  noted := array(
    select p.id
      from private.passed_over_content as p
     order by p.id
     limit contents
       for update skip locked
  );
  again := array(
    select p.content_hash from private.passed_over_content as p where p.id = any (noted)
  );
  delete from private.passed_over_content as p where p.id = any (noted);

  return jsonb_build_object(
    'purged', cardinality(due),
    'content_collected', private.collect_content(again),
    'more', cardinality(due) = page
            or cardinality(due) < cardinality(held)
            or cardinality(noted) = contents
  );
end;
$$;

-- Say who owns a composition from now on, and which organisation it belongs to.
--
--   composition_id   a composition the caller owns
--   user_id          its owner from now on: the caller (null), or somebody who is in an
--                    organisation with them
--   organization_id  the organisation that it belongs to from now on, in which both are members;
--                    null: none, it is personal
--   returns          {composition_id, version, content_hash, title, updated_at, owner_id,
--                    organization_id}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 not_composition_owner      readable, but the caller is no owner
--   PT403 organization_role_too_low  it would leave an organisation, in which the caller is a
--                                    member only
--   PT403 quota_exceeded             the new owner owns as many compositions as a person may
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 member_not_found           the new owner is no member of the organisation
--   PT404 user_not_found             no account, or one that is in no organisation with the caller
--   PT410 composition_trashed        in the trash
--
-- The former owner keeps what shares give them, and what the organisation does: nothing else. All
-- shares stay but one given to the new owner in person, who needs none. Versions keep their
-- authors. What is so already is answered, and not changed.
--
-- Definer rights: nobody may change an owner in any other way.
create function public.transfer_composition(
  composition_id  uuid,
  user_id         uuid default null,
  organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.caller_id();
  receiver constant uuid := coalesce(transfer_composition.user_id, caller);
  common   uuid;
  piece    public.user_compositions;
begin
  -- Asked before the locks, so that a stranger cannot hold anyone up, and again after them.
  perform private.require_composition_role(transfer_composition.composition_id, 'owner');
  common := private.require_receiver(receiver, transfer_composition.organization_id);

  perform private.lock_caller();
  perform from auth.users as u where u.id = receiver for key share;
  perform private.lock_memberships(
    array[caller, receiver],
    private.organizations_around(transfer_composition.composition_id) || common
  );
  piece := private.lock_composition(transfer_composition.composition_id, 'owner');
  perform private.require_receiver(receiver, transfer_composition.organization_id);

  if piece.organization_id is distinct from transfer_composition.organization_id
    and piece.organization_id is not null
  then
    perform private.require_organization_role(piece.organization_id, 'admin');
  end if;

  if piece.owner_id <> receiver then
    perform private.require_quota(receiver);
    delete from public.shared_compositions as s
     where s.composition_id = piece.id
       and s.user_id = receiver;
  end if;

  if (piece.owner_id, piece.organization_id)
    is distinct from (receiver, transfer_composition.organization_id)
  then
    update public.user_compositions as c
       set owner_id = receiver, organization_id = transfer_composition.organization_id
     where c.id = piece.id
    returning c.* into piece;
  end if;

  return private.write_summary(piece) || jsonb_build_object(
    'owner_id', piece.owner_id, 'organization_id', piece.organization_id
  );
end;
$$;

-- Who may do what to the list of content to look at again: nobody. purge_trash() works it off.

revoke all on private.passed_over_content from anon, authenticated, service_role;

grant execute on function
  public.export_my_data(text, integer),
  public.fork_composition(uuid, text, uuid, integer),
  public.transfer_composition(uuid, uuid, uuid)
to authenticated;

grant execute on function public.purge_trash(integer) to service_role;
