-- Layers: what a person or an organisation has changed about a composition for themselves.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- They get another argument.
drop function private.composition_summary(public.user_compositions, text);
drop function public.load_composition(uuid, text[]);

-- What a person, or an organisation, has changed for themselves about a composition: a patch on top
-- of it, never a version of it. Loads put it on the head (private.layered()); reset_layer() takes
-- it away, and what is beneath is as it was.
--
-- The patch is remembered with the document that it was made on, so that it can be merged into any
-- later head.
create table public.composition_layers (
  id              uuid        not null default gen_random_uuid(),
  composition_id  uuid        not null,
  user_id         uuid,
  organization_id uuid,
  base_version    integer     not null,            -- the version beneath it; which may be gone
  -- That version, with the organisations' layers on it where the layer is a person's.
  base_hash       bytea       not null,
  patch           jsonb       not null,            -- operations that lead from that document to …
  origin          jsonb       not null,            -- who made it and how: {"kind": …}
  updated_at      timestamptz not null default clock_timestamp(),

  constraint composition_layers_pkey primary key (id),
  constraint composition_layers_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint composition_layers_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint composition_layers_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint composition_layers_base_hash_fkey
    foreign key (base_hash) references public.compositions (content_hash),
  constraint composition_layers_once
    unique nulls not distinct (composition_id, user_id, organization_id),
  constraint composition_layers_one_holder check (num_nonnulls(user_id, organization_id) = 1),
  constraint composition_layers_base_version_positive check (base_version > 0),
  constraint composition_layers_patch_changes
    check (jsonb_typeof(patch) = 'array' and patch <> '[]')
);

-- As on user_compositions: no guesses about what others have.
alter table public.composition_layers
  alter column base_hash set statistics 0,
  alter column patch set statistics 0,
  alter column origin set statistics 0;

create index composition_layers_user_id_idx on public.composition_layers (user_id);
create index composition_layers_organization_id_idx
  on public.composition_layers (organization_id);
create index composition_layers_base_hash_idx on public.composition_layers (base_hash);

alter table public.composition_layers enable row level security;

-- What a load depends on beyond the composition and the role: what its etag stands for as well
-- (private.composition_summary() takes it as also).
--
--   layers   as private.layers_over() has them; null: none
--   extra    object: what else the answer says; null: nothing
--   returns  object, or null: nothing
--
-- A layer is the same as long as its id and the time of its last change are: comparing them costs
-- no merge.
create function private.also_in_etag(layers public.composition_layers[], extra jsonb default null)
returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if layers is null and extra is null then
    return null;
  end if;
  return jsonb_build_object(
    'layers', (
      select jsonb_agg(jsonb_build_array(l.id, extract(epoch from l.updated_at)) order by l.nth)
        from unnest(layers) with ordinality as l (
               id, composition_id, user_id, organization_id, base_version, base_hash, patch,
               origin, updated_at, nth
             )
    ),
    'extra', extra
  );
end;
$$;

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
    -- In the order of ids, as all who hold several; those of others too, which lose a share or a
    -- layer.
    perform from public.user_compositions as c
      where c.organization_id = close_organization.organization_id
         or c.id in (
              select s.composition_id
                from public.shared_compositions as s
               where s.organization_id = close_organization.organization_id
              union
              select l.composition_id
                from public.composition_layers as l
               where l.organization_id = close_organization.organization_id
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

-- Delete content that no version and no layer reaches any more, out of some.
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
     )
     and not exists (
       select from public.composition_layers as l where l.base_hash = d.content_hash
     );
  get diagnostics deleted = row_count;
  return deleted;
end;
$$;

-- A composition as answers show it, without its document.
--
--   composition  a row of user_compositions that the caller may read
--   role         the caller's role on it
--   also         object: what else the answer depends on, without being shown; null: nothing
--   returns      {composition_id, title, description, tags, owner_id, organization_id, role,
--                version, content_hash, etag, updated_at, forked_from_id, forked_from_version};
--                etag changes whenever any of the others, the document or also does
create function private.composition_summary(
  composition public.user_compositions,
  role        text,
  also        jsonb default null
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
  return summary || jsonb_build_object(
    'etag', left(encode(private.content_hash(summary || coalesce(also, '{}')), 'hex'), 32)
  );
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
      select l.composition_id from public.composition_layers as l where l.user_id = old.id
      union
      select s.composition_id  -- of an organisation that goes with its last member
        from public.shared_compositions as s
       where s.organization_id = any (left_ids)
         and not exists (
           select from public.organization_members as m
            where m.organization_id = s.organization_id and m.user_id <> old.id
         )
      union
      select l.composition_id  -- and what it changed about others'
        from public.composition_layers as l
       where l.organization_id = any (left_ids)
         and not exists (
           select from public.organization_members as m
            where m.organization_id = l.organization_id and m.user_id <> old.id
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

-- Collect the documents that layers were made on, once these are changed or deleted, in whatever
-- way.
--
-- Definer rights: nobody may delete content in any other way.
create function private.forget_layers() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.collect_content(array(select distinct g.base_hash from gone as g));
  return null;
end;
$$;

create trigger composition_layers_forget_updated
  after update on public.composition_layers
  referencing old table as gone
  for each statement execute function private.forget_layers();

create trigger composition_layers_forget_deleted
  after delete on public.composition_layers
  referencing old table as gone
  for each statement execute function private.forget_layers();

-- Let caches forget what a changed layer lies over: of a person's, all that they hold for that
-- person; of an organisation's, the composition. A layer that went with its composition is no news.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_layers() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.note_invalidations(
    array(
      select distinct l.composition_id
        from changed as l
        join public.user_compositions as c on c.id = l.composition_id
       where l.user_id is null
    ),
    array(
      select distinct l.user_id
        from changed as l
        join public.user_compositions as c on c.id = l.composition_id
       where l.user_id is not null
    )
  );
  return null;
end;
$$;

create trigger composition_layers_invalidate_inserted
  after insert on public.composition_layers
  referencing new table as changed
  for each statement execute function private.invalidate_layers();

create trigger composition_layers_invalidate_updated
  after update on public.composition_layers
  referencing new table as changed
  for each statement execute function private.invalidate_layers();

create trigger composition_layers_invalidate_deleted
  after delete on public.composition_layers
  referencing old table as changed
  for each statement execute function private.invalidate_layers();

-- Put a layer on what lies beneath it.
--
--   layer         a row of composition_layers
--   beneath       a document of the same composition …
--   beneath_hash  … and its content_hash
--   document      what it looks like with the layer
--   state         'applied', 'stale': parts that it changed are gone, 'conflict': parts that it
--                 changed have been changed to something else, or are not to be brought together
--   conflicts     these parts, as private.merge_documents() says them; they look as beneath. With
--                 one at path '' the layer is left out whole
--
-- Definer rights: it reads the content store.
create function private.lay(
  layer         public.composition_layers,
  beneath       jsonb,
  beneath_hash  bytea,
  out document  jsonb,
  out state     text,
  out conflicts jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  base jsonb;
begin
  conflicts := '[]';
  if layer.base_hash = beneath_hash then
    document := private.apply_patch(beneath, layer.patch, 'json-patch');
  else
    select d.document into base
      from public.compositions as d
     where d.content_hash = layer.base_hash;

    select m.merged, m.conflicts into document, conflicts
      from private.merge_documents(
             base,
             beneath,
             private.apply_patch(base, layer.patch, 'json-patch'),
             keep_edits => false
           ) as m;
    document := coalesce(document, beneath);
  end if;

  state := case
    when conflicts = '[]' then 'applied'
    when jsonb_path_exists(conflicts, '$[*] ? (@.kind != "edit_delete")') then 'conflict'
    else 'stale'
  end;
end;
$$;

-- How well a layer applies, as answers show it.
--
--   layer      a row of composition_layers
--   state      'applied', 'stale' or 'conflict'
--   conflicts  array of what does not apply, as private.merge_documents() says it
--   returns    {scope, organization_id?, base_version, state, paths, conflicts?}
create function private.layer_state(
  layer     public.composition_layers,
  state     text,
  conflicts jsonb
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
      'scope', case when layer.user_id is null then 'organization' else 'me' end,
      'organization_id', layer.organization_id,
      'base_version', layer.base_version,
      'state', state
    ))
    || jsonb_build_object('paths', jsonb_path_query_array(conflicts, '$[*].path'))
    || case when conflicts = '[]' then '{}' else jsonb_build_object('conflicts', conflicts) end;
end;
$$;

-- Put layers on a document, one on the other.
--
--   document  the content of a version …
--   hash      … and its content_hash
--   layers    rows of composition_layers, the lowest first; null: none
--   shown     what it looks like with them
--   states    [{scope, organization_id?, base_version, state, paths, conflicts?}], one of each
--             layer: as private.lay() says, paths those of the conflicts
create function private.layered(
  document    jsonb,
  hash        bytea,
  layers      public.composition_layers[],
  out shown   jsonb,
  out states  jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  layer public.composition_layers;
  laid  record;
begin
  shown := document;
  states := '[]';
  foreach layer in array coalesce(layers, '{}') loop
    if states <> '[]' then
      hash := private.content_hash(shown);
    end if;
    laid := private.lay(layer, shown, hash);
    shown := laid.document;
    states := states || private.layer_state(layer, laid.state, laid.conflicts);
  end loop;
end;
$$;

-- What layers add to the etag of a load: private.composition_summary() takes it as also.
--
--   composition_id  a composition that somebody may view
--   user_id         the person
--   returns         object, or null: they have no layer over it
--
-- Definer rights: as private.layers_over().
create function private.layers_in_etag(composition_id uuid, user_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if exists (
    select from public.composition_layers as l
     where l.composition_id = layers_in_etag.composition_id
  ) then
    return (
      select private.also_in_etag(o.layers, null)
        from private.layers_over(layers_in_etag.composition_id, layers_in_etag.user_id) as o
    );
  end if;
  return null;
end;
$$;

-- The layers that somebody has over a composition: those of their organisations, then their own.
--
--   composition_id  a composition that they may view
--   user_id         the person
--   layers          in the order in which they lie on each other; null: none
--   until           when one of them ends to be there by itself, as shares do; null: never
--
-- An organisation's layer is there for its members, as long as the organisation is one through
-- which they may view the composition: its own, or one that it is shared with.
--
-- Definer rights: it looks past the policies, as private.composition_access() does.
create function private.layers_over(
  composition_id uuid,
  user_id        uuid,
  out layers     public.composition_layers[],
  out until      timestamptz
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  select array_agg(o.layer order by o.is_own, o.organization_id), min(o.until)
    into layers_over.layers, layers_over.until
    from (
      select l as layer, l.organization_id, false as is_own, s.expires_at as until
        from public.composition_layers as l
        join public.organization_members as m
          on m.organization_id = l.organization_id and m.user_id = layers_over.user_id
        join public.user_compositions as c on c.id = l.composition_id
        left join public.shared_compositions as s
          on s.composition_id = l.composition_id
         and s.user_id is null
         and s.organization_id = l.organization_id
         and l.organization_id is distinct from c.organization_id
         and (s.expires_at is null or s.expires_at > now())
       where l.composition_id = layers_over.composition_id
         and l.user_id is null
         and (l.organization_id = c.organization_id or s.id is not null)
      union all
      select l, null, true, null
        from public.composition_layers as l
       where l.composition_id = layers_over.composition_id
         and l.user_id = layers_over.user_id
    ) as o;
end;
$$;

-- What load_composition() answers, and all else that answers loads.
--
--   composition_id  any id
--   user_id         the caller
--   known_etags     etags of answers that the caller has
--   layered         false: the document itself, without layers
--   extra           object: what the answer says beyond a load; null: nothing
--   returns         as load_composition(), and extra; the etag stands for extra as well
--
-- Raises
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- Definer rights: as load_composition().
create function private.load(
  composition_id uuid,
  user_id        uuid,
  known_etags    text[],
  layered        boolean default true,
  extra          jsonb default null
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access  record := private.composition_access(load.composition_id, load.user_id);
  head    public.user_compositions;
  layers  public.composition_layers[];
  ends    timestamptz := access.until;
  summary jsonb;
begin
  select c.* into head
    from public.user_compositions as c
   where c.id = load.composition_id;

  if access.role is null or head.deleted_at is not null then
    perform private.require_composition_role(load.composition_id, 'viewer');
  end if;

  -- Mostly nobody has one, and that is all that it costs.
  if layered and exists (
    select from public.composition_layers as l where l.composition_id = load.composition_id
  ) then
    select o.layers, least(ends, o.until) into layers, ends
      from private.layers_over(load.composition_id, load.user_id) as o;
  end if;
  if ends is not null then
    perform private.announce_end(ends);
  end if;

  summary := private.composition_summary(
    head, access.role, private.also_in_etag(layers, extra)
  );
  if extra is not null then
    summary := summary || extra;
  end if;

  if summary ->> 'etag' = any (known_etags) then
    return summary || '{"unchanged": true}';
  end if;
  return (
    -- Not ||, which would copy the document twice.
    select case
             when layers is null then jsonb_set(summary, '{document}', d.document)
             else (
               select jsonb_set(
                        summary || jsonb_build_object('layers', l.states), '{document}', l.shown
                      )
                 from private.layered(d.document, head.current_hash, layers) as l
             )
           end
      from public.compositions as d
     where d.content_hash = head.current_hash
  );
end;
$$;

-- What loads would answer now, to hold what caches have against it.
--
--   entries  array of at most 500 {composition_id, user_id}
--   returns  [{composition_id, user_id, etag}], in the same order: the etag that load_composition()
--            would answer this person, null where it would refuse
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
               jsonb_build_object(
                 'composition_id', e.composition_id, 'user_id', e.user_id, 'etag', h.etag
               ) order by e.nth
             ),
             '[]'
           )
      from rows from (
             jsonb_to_recordset(current_etags.entries) as (composition_id uuid, user_id uuid)
           ) with ordinality as e (composition_id, user_id, nth)
      left join lateral (
        select private.composition_summary(c, a.role, l.also) ->> 'etag' as etag
          from public.user_compositions as c
         cross join lateral private.composition_access(c.id, e.user_id) as a
         cross join lateral private.layers_in_etag(c.id, e.user_id) as l (also)
         where c.id = e.composition_id
           and c.deleted_at is null
           and c.current_version > 0
           and a.role is not null
      ) as h on true
  );
end;
$$;

-- Load a composition: its head with the caller's layers on it, and what is known about it.
--
--   composition_id  a composition the caller may view
--   known_etags     etags of answers that the caller has: the document of one of them is left out
--   layered         false: the head alone, as who edits it needs it
--   returns         {composition_id, title, description, tags, owner_id, organization_id, role,
--                   version, content_hash, etag, updated_at, forked_from_id,
--                   forked_from_version, document?, layers?, unchanged?}; role is the caller's:
--                   'owner', 'editor' or 'viewer'; content_hash is the head's; forked_from_… are
--                   null unless it is a fork; instead of the document, unchanged is true where the
--                   etag is one of known_etags
--
--   layers          [{scope, organization_id?, base_version, state, paths, conflicts?}], where the
--                   caller has any, the lowest first: those of their organisations (scope
--                   'organization'), then their own ('me'). state is 'applied', 'stale' (parts that
--                   the layer changes are gone) or 'conflict' (parts that it changes were changed,
--                   too, and stay as they are beneath it), paths are those of the parts, and
--                   conflicts what is there and what the layer has; docs/layers.md
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- An etag stands for all of an answer, the role and the document as well: two people with the same
-- one have the same answer. Where the role, or a layer, rests on a share that ends by itself, the
-- header Access-Until of the answer says when, in milliseconds since 1970: at that moment the role
-- ends, or becomes a lower one, or the layer is there no more.
--
-- It counts nothing and writes nothing, so that a read-only replica can serve it: whoever answers
-- loads reports them with record_usage().
--
-- Definer rights: asking for one role costs the same however much a person may see; reading
-- through the policies grows with it.
create function public.load_composition(
  composition_id uuid,
  known_etags    text[] default '{}',
  layered        boolean default true
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return private.load(
    load_composition.composition_id,
    private.caller_id(),
    load_composition.known_etags,
    coalesce(load_composition.layered, true)
  );
end;
$$;

-- Who may do what to a layer: a person's is for that person alone, an organisation's for its
-- members, and either only while they may view the composition. In the trash it is there for
-- nobody. Members here are members of the organisation that the layer is of.
--
--            stranger  viewer  member  admin  holder
--   select      -        -      yes     yes    yes
--   insert      -        -       -       -      -    set_layer()
--   update      -        -       -       -      -    set_layer(), reset_layer()
--   delete      -        -       -       -      -    reset_layer(), promote_layer()

revoke all on public.composition_layers from anon, authenticated, service_role;
grant select on public.composition_layers to authenticated;

-- The policy on user_compositions decides who may view; this one asks it.
create policy composition_layers_select_holder on public.composition_layers
  for select to authenticated
  using (
    (
      user_id = (select auth.uid())
      or organization_id
         = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
    )
    and exists (
      select from public.user_compositions as c where c.id = composition_layers.composition_id
    )
  );

grant execute on function
  public.get_layer(uuid, text, uuid),
  public.load_composition(uuid, text[], boolean),
  public.promote_layer(uuid, text, text, uuid, text, uuid, text, jsonb),
  public.reset_layer(uuid, text[], text, uuid, jsonb),
  public.set_layer(uuid, integer, jsonb, text, uuid, text, text, jsonb)
to authenticated;
