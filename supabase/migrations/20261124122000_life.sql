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
--   PT410 composition_trashed    in the trash
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
-- Somebody may just be collecting equal content, whose last version is gone: this waits for them,
-- and then stores it anew.
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

-- A composition as answers show it after a change.
--
--   composition  a row of user_compositions that the caller may read
--   returns      {composition_id, version, content_hash, title, updated_at}
--
-- Every save asks it, and PL/pgSQL keeps its plan; a function in SQL is planned at every call.
create function private.write_summary(composition public.user_compositions) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'composition_id', composition.id,
    'version', composition.current_version,
    'content_hash', encode(composition.current_hash, 'hex'),
    'title', composition.title,
    'updated_at', composition.updated_at
  );
end;
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

grant execute on function
  public.delete_composition(uuid),
  public.purge_composition(uuid),
  public.undelete_composition(uuid)
to authenticated;
