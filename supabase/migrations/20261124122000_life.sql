-- The life of a composition after its first version: trash, and content that nobody needs any more.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table public.user_compositions
  add column deleted_at          timestamptz,
  add column forked_from_id      uuid,
  add column forked_from_version integer,
  add constraint user_compositions_fork_complete
    check ((forked_from_id is null) = (forked_from_version is null));

create index user_compositions_trash_owner_id_idx
  on public.user_compositions (owner_id, updated_at desc, id desc) where deleted_at is not null;
create index user_compositions_trash_organization_id_idx
  on public.user_compositions (organization_id, updated_at desc, id desc)
  where deleted_at is not null;
create index user_compositions_trash_deleted_at_idx
  on public.user_compositions (deleted_at) where deleted_at is not null;

insert into private.settings (name, value, description)
values ('trash_days', 30, 'Days that a composition stays in the trash before it is purged');

drop function private.lock_composition(uuid, text);
drop function private.require_composition_role(uuid, text);

-- Append a version to a composition and make it the head: the one way a document gets in, whoever
-- it comes from.
--
--   composition_id  a composition the caller may edit
--   base_version    the head the edit started from; null: whatever is the head now
--   document        a composition document (docs/document.md)
--   kind            what the version is: a value of composition_versions.kind
--   origin          who made it and how: {"kind": …}
--   message         what changed, in words; null: nothing to say
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT409 version_conflict       saved by someone since base_version was read
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       the message is too long
--
-- Definer rights: nobody may write versions or move a head in any other way.
create or replace function private.append_version(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  kind           text,
  origin         jsonb,
  message        text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  head   public.user_compositions;
  hash   bytea;
  broken text;
begin
  -- Before the lock: nobody waits while a large document is checked.
  perform private.require_valid_document(append_version.document);

  -- Savers queue here, so the second of two sees the first one's head.
  head := private.lock_composition(append_version.composition_id, 'editor');

  if head.current_version <> append_version.base_version then
    raise exception 'composition % is at version %, not %',
      head.id, head.current_version, append_version.base_version using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'version_conflict', 'head_version', head.current_version
      ),
      hint    = 'Load the head, apply the change to it, and save again.';
  end if;

  hash := private.store_document(append_version.document);

  insert into public.composition_versions
    (composition_id, version, content_hash, parent_version, kind, origin, message)
  values
    (head.id, head.current_version + 1, hash, nullif(head.current_version, 0),
     append_version.kind, append_version.origin, append_version.message);

  update public.user_compositions as c
     set current_version = head.current_version + 1, current_hash = hash
   where c.id = head.id
  returning c.* into head;

  return private.write_summary(head);
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;

-- Delete content that no version reaches any more, out of some.
--
--   content_hashes  candidates
--   returns         how many there were to delete
--
-- What a saver holds (private.store_document()) is passed over: it is about to be reached. Whether
-- the rest is reached is asked in a statement of its own, which sees what was committed before the
-- locks were taken.
--
-- Definer rights: nobody may delete content in any other way.
create function private.collect_content(content_hashes bytea[]) returns integer
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

  delete from public.compositions as d
   where d.content_hash = any (free)
     and not exists (
       select from public.composition_versions as v where v.content_hash = d.content_hash
     );
  get diagnostics deleted = row_count;
  return deleted;
end;
$$;

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
create or replace function private.composition_role(composition_id uuid) returns text
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
           and (s.expires_at is null or s.expires_at > now())
           and (
             s.user_id = caller
             or exists (
               select from public.organization_members as m
                where m.organization_id = s.organization_id and m.user_id = caller
             )
           )
      ) as held
     where c.id = composition_role.composition_id
       and (c.deleted_at is null or held.rank = 3)
  );
end;
$$;

-- Collect the content of versions that are deleted, in whatever way: a composition purged, an
-- account deleted, an old version gone.
--
-- Definer rights: nobody may delete content in any other way.
create function private.forget_versions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.collect_content(array(select distinct g.content_hash from gone as g));
  return null;
end;
$$;

create trigger composition_versions_forget
  after delete on public.composition_versions
  referencing old table as gone
  for each statement execute function private.forget_versions();

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
-- rest on are locked too: who has removed a member knows that nothing of theirs comes after.
--
-- Definer rights: callers may not lock rows.
create function private.lock_composition(
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

  perform from public.organization_members as m
    where m.user_id = caller
      and m.organization_id in (
        select c.organization_id
          from public.user_compositions as c
         where c.id = lock_composition.composition_id
        union
        select s.organization_id
          from public.shared_compositions as s
         where s.composition_id = lock_composition.composition_id
      )
    order by m.organization_id
      for share;

  select c.* into locked
    from public.user_compositions as c
   where c.id = lock_composition.composition_id
     for no key update;

  perform private.require_composition_role(lock_composition.composition_id, required, in_trash);
  return locked;
end;
$$;

-- Refuse unless the caller has a role on a composition, and it is where it has to be.
--
--   composition_id  any id
--   required        'viewer', 'editor' or 'owner': this role or a higher one
--   in_trash        whether it has to be in the trash, or out of it
--   returns         the role that the caller has
--
-- Raises
--   PT401 not_signed_in            the token names nobody
--   PT404 composition_not_found    absent, or not readable by the caller
--   PT403 composition_read_only    readable, but the caller is no editor
--   PT403 not_composition_owner    readable, but the caller is no owner
--   PT410 composition_trashed      in the trash, where only its owners see it
--   PT409 composition_not_trashed  not in the trash, as it had to be
--
-- Definer rights: it looks at a row that the policies hide.
create function private.require_composition_role(
  composition_id uuid,
  required       text,
  in_trash       boolean default false
) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  held text;
begin
  perform private.caller_id();
  held := private.composition_role(require_composition_role.composition_id);

  if held is null then
    raise exception 'composition % not found', require_composition_role.composition_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'composition_not_found'),
      hint    = 'Check the id, or ask its owner to share it.';
  end if;

  if required = 'editor' and held = 'viewer' then
    raise exception 'composition % is shared for viewing', require_composition_role.composition_id
      using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'composition_read_only', 'role', held),
      hint    = 'Ask its owner for the role editor.';
  end if;

  if required = 'owner' and held <> 'owner' then
    raise exception 'only an owner may do this to composition %',
      require_composition_role.composition_id using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'not_composition_owner', 'role', held),
      hint    = 'Ask its owner to do it.';
  end if;

  if held = 'owner' then
    perform private.require_trash(require_composition_role.composition_id, in_trash);
  end if;
  return held;
end;
$$;

-- Refuse unless a composition is in the trash, or out of it.
--
--   composition_id  a composition that the caller owns
--   in_trash        where it has to be
--
-- Raises
--   PT410 composition_trashed      in the trash
--   PT409 composition_not_trashed  not in the trash
--
-- Definer rights: it looks at a row that the policies hide.
create function private.require_trash(composition_id uuid, in_trash boolean) returns void
language plpgsql stable security definer
set search_path = ''
as $$
declare
  deleted_at timestamptz;
begin
  select c.deleted_at into deleted_at
    from public.user_compositions as c
   where c.id = require_trash.composition_id;

  if deleted_at is not null and not in_trash then
    raise exception 'composition % is in the trash', require_trash.composition_id using
      errcode = 'PT410',
      detail  = jsonb_build_object('code', 'composition_trashed', 'deleted_at', deleted_at),
      hint    = 'Take it out with undelete_composition().';
  elsif deleted_at is null and in_trash then
    raise exception 'composition % is not in the trash', require_trash.composition_id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'composition_not_trashed'),
      hint    = 'Put it there with delete_composition() first.';
  end if;
end;
$$;

-- Put a document into the content store, once, and hold it there until the transaction ends.
--
--   document  a valid document
--   returns   its content_hash
--
-- Equal content may just be being collected, since the last version of it is gone: whoever does
-- that is waited for, and then it is stored anew.
--
-- Definer rights: nobody may write content in any other way.
create or replace function private.store_document(document jsonb) returns bytea
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hash constant bytea := private.content_hash(store_document.document);
begin
  loop
    insert into public.compositions (content_hash, document)
    values (hash, store_document.document)
    on conflict do nothing;

    perform from public.compositions as d where d.content_hash = hash for key share;
    exit when found;
  end loop;
  return hash;
end;
$$;

-- Stamp a composition when its head or its metadata changes, or it goes to the trash or comes back.
-- The time is the clock's, not the transaction's: a writer that waited for another one is the later
-- of the two.
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
  before update of title, description, tags, current_version, deleted_at on public.user_compositions
  for each row execute function private.touch_composition();

-- A composition as answers show it after a change.
--
--   composition  a row of user_compositions that the caller may read
--   returns      {composition_id, version, content_hash, title, updated_at}
create function private.write_summary(composition public.user_compositions) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'composition_id', composition.id,
    'version', composition.current_version,
    'content_hash', encode(composition.current_hash, 'hex'),
    'title', composition.title,
    'updated_at', composition.updated_at
  );
$$;

-- Put a composition into the trash. Nobody but its owners sees it any more; its shares stay for
-- when it comes back.
--
--   composition_id  a composition the caller owns
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 not_composition_owner  readable, but the caller is no owner
--   PT410 composition_trashed    in the trash already
--
-- After trash_days (private.settings) it may be purged for good. Until then it counts for the
-- quota.
--
-- Definer rights: nobody may delete a composition in any other way.
create function public.delete_composition(composition_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
begin
  perform private.lock_composition(delete_composition.composition_id, 'owner');

  update public.user_compositions as c
     set deleted_at = clock_timestamp()
   where c.id = delete_composition.composition_id
  returning c.* into composition;

  return private.write_summary(composition);
end;
$$;

-- Delete a composition in the trash for good: its history, its shares, and content that nothing
-- else holds.
--
--   composition_id  a composition the caller owns, in the trash; to purge an organisation's, the
--                   caller is an admin or an owner of it
--   returns         what was purged: {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT403 not_composition_owner      readable, but the caller is no owner
--   PT403 organization_role_too_low  an organisation's, in which the caller is a member only
--   PT409 composition_not_trashed    not in the trash
--
-- Definer rights: nobody may delete a composition in any other way.
create function public.purge_composition(composition_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
begin
  composition := private.lock_composition(
    purge_composition.composition_id, 'owner', in_trash => true
  );
  if composition.organization_id is not null then
    perform private.require_organization_role(composition.organization_id, 'admin');
  end if;

  delete from public.user_compositions as c where c.id = composition.id;
  return private.write_summary(composition);
end;
$$;

-- Take a composition out of the trash, with its history and its shares.
--
--   composition_id  a composition the caller owns, in the trash
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in            the token names nobody
--   PT401 account_not_found        the account of the token is gone
--   PT404 composition_not_found    absent, or not readable by the caller
--   PT403 not_composition_owner    readable, but the caller is no owner
--   PT409 composition_not_trashed  not in the trash
--
-- Definer rights: nobody may undelete a composition in any other way.
create function public.undelete_composition(composition_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
begin
  perform private.lock_composition(
    undelete_composition.composition_id, 'owner', in_trash => true
  );

  update public.user_compositions as c
     set deleted_at = null
   where c.id = undelete_composition.composition_id
  returning c.* into composition;

  return private.write_summary(composition);
end;
$$;

drop policy shared_compositions_select_party on public.shared_compositions;
create policy shared_compositions_select_party on public.shared_compositions
  for select to authenticated
  using (
    exists (
      select from public.user_compositions as c
       where c.id = shared_compositions.composition_id
         and (
           shared_compositions.user_id = (select auth.uid())
           or shared_compositions.organization_id
              = any ((select private.my_organization_ids())::uuid[])
           or c.owner_id = (select auth.uid())
           or c.organization_id
              = any ((select private.my_administered_organization_ids())::uuid[])
         )
    )
  );

drop policy user_compositions_select_reader on public.user_compositions;
create policy user_compositions_select_reader on public.user_compositions
  for select to authenticated
  using (
    deleted_at is null
    and (
      owner_id = (select auth.uid())
      or organization_id = any ((select private.my_organization_ids())::uuid[])
      or id = any ((select private.shared_with_me_ids())::uuid[])
    )
  );

drop policy user_compositions_update_editor on public.user_compositions;
create policy user_compositions_update_editor on public.user_compositions
  for update to authenticated
  using (
    deleted_at is null
    and (
      owner_id = (select auth.uid())
      or organization_id = any ((select private.my_administered_organization_ids())::uuid[])
      or id = any ((select private.shared_with_me_ids('{editor}'))::uuid[])
    )
  );

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
create or replace function public.list_my_compositions(
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
    after_at := 'epoch'::timestamptz
      + split_part(after, '_', 1)::bigint * '1 microsecond'::interval;
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

grant execute on function
  public.delete_composition(uuid),
  public.purge_composition(uuid),
  public.undelete_composition(uuid)
to authenticated;
