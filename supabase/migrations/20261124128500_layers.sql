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

-- What a layer lies on: the content of a version; for a person's, with the layers of their
-- organisations on it.
--
--   composition_id   a composition that the caller may view
--   version          1, 2, 3 …
--   organization_id  whose layer; null: the caller's own
--   document         what it looks like
--   hash             its content_hash
--
-- Raises
--   PT404 version_not_found  the composition has no such version, or no longer
--
-- Definer rights: it reads the content store.
create function private.beneath_layer(
  composition_id  uuid,
  version         integer,
  organization_id uuid,
  out document    jsonb,
  out hash        bytea
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  layers public.composition_layers[];
begin
  select d.document, d.content_hash into document, hash
    from public.composition_versions as v
    join public.compositions as d on d.content_hash = v.content_hash
   where v.composition_id = beneath_layer.composition_id
     and v.version = beneath_layer.version;
  if hash is null then
    perform private.refuse_version(beneath_layer.composition_id, beneath_layer.version);
  end if;

  if organization_id is null then
    layers := (
      private.layers_over(beneath_layer.composition_id, auth.uid(), with_own => false)
    ).layers;
    if layers is not null then
      document := (private.layered(document, hash, layers)).shown;
      hash := private.content_hash(document);
    end if;
  end if;
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

-- The layer that somebody has over a composition.
--
--   composition_id   any id
--   organization_id  whose layer; null: the caller's own
--   returns          the row; all of it is null where there is none
--
-- Definer rights: it looks past the policies.
create function private.find_layer(composition_id uuid, organization_id uuid)
returns public.composition_layers
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found public.composition_layers;
begin
  if organization_id is null then
    select l.* into found
      from public.composition_layers as l
     where l.composition_id = find_layer.composition_id
       and l.user_id = auth.uid();
  else
    select l.* into found
      from public.composition_layers as l
     where l.composition_id = find_layer.composition_id
       and l.user_id is null
       and l.organization_id = find_layer.organization_id;
  end if;
  return found;
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

-- The version that is the head of a composition.
--
--   composition_id  a composition that the caller may view
--
-- Definer rights: it looks past the policies.
create function private.head_version(composition_id uuid) returns integer
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (
    select c.current_version
      from public.user_compositions as c
     where c.id = head_version.composition_id
  );
end;
$$;

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
--   checked       false: whoever calls checks the structure of the document
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
  checked       boolean default true,
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
    document := private.on_base(beneath, layer.patch);
  else
    select d.document into base
      from public.compositions as d
     where d.content_hash = layer.base_hash;

    if checked then
      select m.merged, m.conflicts into document, conflicts
        from private.merge_documents(
               base, beneath, private.on_base(base, layer.patch), keep_edits => false
             ) as m;
      document := coalesce(document, beneath);
    else
      select m.merged, m.conflicts into document, conflicts
        from private.merge_json(
               base, beneath, private.on_base(base, layer.patch), keep_edits => false
             ) as m;
    end if;
  end if;

  state := case
    when conflicts = '[]' then 'applied'
    when jsonb_path_exists(conflicts, '$[*] ? (@.kind != "edit_delete")') then 'conflict'
    else 'stale'
  end;
end;
$$;

-- The paths of what a layer changes, for people to pick from.
--
--   base     the document that the layer was made on; null: nothing is there
--   wanted   what it is to look like; null: nothing is to be there
--   path     keys that lead to both, outermost first
--   budget   steps of work that may be spent, about a microsecond each; comes back reduced
--   changes  pointers (private.pointer()), with elements of keyed arrays by their id, as
--            private.merge_json() has them; that of an array where their order changes
--
-- What the budget leaves out is one change.
create function private.layer_changes(
  base         jsonb,
  wanted       jsonb,
  path         text[] default '{}',
  inout budget integer default 400000,
  out changes  text[]
)
language plpgsql immutable
set search_path = ''
as $$
declare
  kind   text;
  part   record;
  inner_ record;
begin
  changes := '{}';
  if record_image_eq(row (base), row (wanted)) then
    return;
  end if;

  if budget > 0 and base is not null then
    kind := private.merge_kind(base, wanted, wanted);
  end if;
  if kind is null then
    changes := array[coalesce(private.pointer(variadic path), '')];
    return;
  end if;

  budget := budget - 100 - (pg_column_size(base) + pg_column_size(wanted)) / 500;
  for part in
    select coalesce(b.key, w.key) as key, b.value as base, w.value as wanted
      from private.merge_parts(base, kind) as b
      full join private.merge_parts(wanted, kind) as w on w.key = b.key
     where not record_image_eq(row (b.value), row (w.value))
     order by coalesce(b.key, w.key) collate "C"
  loop
    inner_ := private.layer_changes(part.base, part.wanted, path || part.key, budget);
    budget := inner_.budget;
    changes := changes || inner_.changes;
  end loop;

  if kind <> 'object' and private.merge_order(base, base, wanted, kind) = 'mine' then
    changes := changes || coalesce(private.pointer(variadic path), '');
  end if;
end;
$$;

-- Whose layer somebody means: the organisation's, or their own.
--
--   composition_id   a composition that the caller may view
--   scope            'me' or 'organization'
--   organization_id  with scope 'organization': which one; null: the composition's own
--   required         the role in it that this needs: 'member' or 'admin'
--   returns          the id of the organisation; null: the layer is the caller's own
--
-- Raises
--   PT404 organization_not_found     absent, or the caller is no member, or the composition is not
--                                    viewed through it
--   PT403 organization_role_too_low  a member, of a lower role than required
--   PT422 invalid_argument           the scope is not known, or names no organisation but one is
--                                    given
--
-- Definer rights: it reads a row for callers who may not.
create function private.layer_holder(
  composition_id  uuid,
  scope           text,
  organization_id uuid,
  required        text
) returns uuid
language plpgsql stable security definer
set search_path = ''
as $$
declare
  holder uuid := organization_id;
begin
  perform private.require_scope(layer_holder.scope, layer_holder.organization_id);
  if scope = 'me' then
    return null;
  end if;

  if holder is null then
    select c.organization_id into holder
      from public.user_compositions as c
     where c.id = layer_holder.composition_id;
  end if;
  perform private.require_organization_role(holder, 'member');
  if not private.organization_may_view(layer_holder.composition_id, holder) then
    perform private.refuse_unknown_organization(holder);
  end if;
  perform private.require_organization_role(holder, layer_holder.required);
  return holder;
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

-- A layer as answers show it.
--
--   composition_id   a composition that the caller may view
--   organization_id  whose layer; null: the caller's own
--   returns          {composition_id, scope, organization_id, base_version, version, state, paths,
--                    conflicts?, changes, patch, sentences, updated_at}, as get_layer()
--
-- Definer rights: it reads the content store.
create function private.layer_summary(composition_id uuid, organization_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  layer   constant public.composition_layers :=
    private.find_layer(layer_summary.composition_id, layer_summary.organization_id);
  version constant integer := private.head_version(layer_summary.composition_id);
  summary constant jsonb := jsonb_build_object(
    'composition_id', layer_summary.composition_id,
    'scope', case when organization_id is null then 'me' else 'organization' end,
    'organization_id', organization_id,
    'base_version', layer.base_version,
    'version', version,
    'updated_at', layer.updated_at
  );
  base    jsonb;
  wanted  jsonb;
  beneath record;
  laid    record;
begin
  if layer.id is null then
    return summary
      || '{"state": "none", "paths": [], "changes": [], "patch": [], "sentences": []}';
  end if;

  select d.document into base
    from public.compositions as d
   where d.content_hash = layer.base_hash;
  wanted := private.on_base(base, layer.patch);
  beneath := private.beneath_layer(
    layer_summary.composition_id, version, layer_summary.organization_id
  );
  laid := private.lay(layer, beneath.document, beneath.hash);

  return summary || private.layer_state(layer, laid.state, laid.conflicts) || jsonb_build_object(
    'changes', to_jsonb((private.layer_changes(base, wanted)).changes),
    'patch', layer.patch,
    'sentences', private.diff_sentences(base, wanted)
  );
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
  -- Of several, it is mostly enough to check the structure of what they make together.
  checked boolean := cardinality(layers) = 1;
  beneath bytea;
  merged  boolean;
  layer   public.composition_layers;
  laid    record;
begin
  loop
    shown := document;
    states := '[]';
    merged := false;
    foreach layer in array coalesce(layers, '{}') loop
      beneath := case when states = '[]' then hash else private.content_hash(shown) end;
      merged := merged or layer.base_hash <> beneath;
      laid := private.lay(layer, shown, beneath, checked);
      shown := laid.document;
      states := states || private.layer_state(layer, laid.state, laid.conflicts);
    end loop;
    exit when checked or not merged or private.document_problems(shown) = '[]';
    checked := true;
  end loop;
end;
$$;

-- Take a layer for a change, and see what it is on and what that looks like: nobody else changes it
-- until the transaction ends, nor moves the head. All of it is read once, so that an organisation's
-- layer that changes meanwhile is in both or in neither.
--
--   composition_id   any id
--   scope            as private.layer_holder() takes it
--   organization_id  the same
--   version          the version beneath the layer; null: the head
--   with_layer       whether to show it with the layer that there is
--   holder           whose layer it is: the id of an organisation; null: the caller's own
--   base_version     the version
--   beneath          the document that the layer lies on
--   shown            what that looks like, with the layer or without
--
-- Raises what private.lock_layer() and private.beneath_layer() raise.
--
-- Definer rights: callers may not lock rows.
create function private.layer_to_change(
  composition_id   uuid,
  scope            text,
  organization_id  uuid,
  version          integer,
  with_layer       boolean,
  out holder       uuid,
  out base_version integer,
  out beneath      jsonb,
  out shown        jsonb
)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  lower record;
  layer public.composition_layers;
begin
  holder := private.lock_layer(
    layer_to_change.composition_id, layer_to_change.scope, layer_to_change.organization_id
  );
  base_version := coalesce(
    layer_to_change.version, private.head_version(layer_to_change.composition_id)
  );
  lower := private.beneath_layer(layer_to_change.composition_id, base_version, holder);
  beneath := lower.document;
  shown := beneath;

  if with_layer then
    layer := private.find_layer(layer_to_change.composition_id, holder);
    if layer.id is not null then
      shown := (private.lay(layer, beneath, lower.hash)).document;
    end if;
  end if;
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
--   with_own        whether their own is one of them
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
  with_own       boolean default true,
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
         and with_own
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

-- Take a layer for a change, after every other change of it.
--
--   composition_id   any id
--   scope            as private.layer_holder() takes it
--   organization_id  the same
--   returns          whose layer it is: the id of an organisation; null: the caller's own
--
-- Raises
--   PT401 account_not_found  the account of the token is gone
-- and what private.require_composition_role() and private.layer_holder() raise.
--
-- Whoever purges the composition or takes a share away waits, and knows that nothing of it comes
-- after; others who change layers of their own do not wait. So the head stands still, too. What
-- may be done is asked again with the locks held, as private.lock_composition() does.
--
-- Definer rights: callers may not lock rows.
create function private.lock_layer(
  composition_id  uuid,
  scope           text,
  organization_id uuid
) returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid;
  holder uuid;
begin
  perform private.require_composition_role(lock_layer.composition_id, 'viewer');
  perform private.layer_holder(
    lock_layer.composition_id, lock_layer.scope, lock_layer.organization_id, 'admin'
  );
  caller := private.lock_caller();
  perform private.lock_memberships(
    array[caller], private.organizations_around(lock_layer.composition_id)
  );

  perform from public.user_compositions as c
    where c.id = lock_layer.composition_id
      for share;

  perform private.require_composition_role(lock_layer.composition_id, 'viewer');
  holder := private.layer_holder(
    lock_layer.composition_id, lock_layer.scope, lock_layer.organization_id, 'admin'
  );
  -- There may be no row to lock yet.
  perform pg_advisory_xact_lock(hashtextextended(
    format('%s %s', lock_layer.composition_id, coalesce(holder, caller)), 0
  ));
  return holder;
end;
$$;

-- What a layer makes of the document that it was made on.
--
--   base     that document
--   patch    the layer's: one of private.json_diff()
--   returns  the changed document
--
-- As private.apply_json_patch() does it, but without asking for the limits: the patch was within
-- them once, and a load is not refused because an operator has lowered one.
create function private.on_base(base jsonb, patch jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    private.patch_value(
      jsonb_build_object('', base), private.patch_operations(patch), 0, 3000000
    )
  ).patched -> '';
end;
$$;

-- Whether an organisation is one through which its members may view a composition: its own, or one
-- that it is shared with.
--
--   composition_id   any id
--   organization_id  any id
--
-- Definer rights: callers may not see whom a composition is shared with.
create function private.organization_may_view(composition_id uuid, organization_id uuid)
returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return exists (
    select from public.user_compositions as c
     where c.id = organization_may_view.composition_id
       and c.organization_id = organization_may_view.organization_id
  ) or exists (
    select from public.shared_compositions as s
     where s.composition_id = organization_may_view.composition_id
       and s.user_id is null
       and s.organization_id = organization_may_view.organization_id
       and (s.expires_at is null or s.expires_at > now())
  );
end;
$$;

-- What a layer makes of the head: the document that promote_layer() hands on.
--
--   source           the composition, which the caller may view
--   layer            a row of composition_layers over it, or nulls
--   organization_id  whose layer; null: the caller's own
--   into_version     whether the head alone lies beneath, without the layers of organisations
--   returns          a document
--
-- Raises
--   PT404 layer_not_found  there is no layer
--   PT409 layer_conflict   parts of it do not apply
--
-- Definer rights: it reads the content store.
create function private.promoted_document(
  source          public.user_compositions,
  layer           public.composition_layers,
  organization_id uuid,
  into_version    boolean
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  beneath record;
  laid    record;
begin
  if layer.id is null then
    raise exception 'there is no such layer over composition %', source.id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'layer_not_found'),
      hint    = 'set_layer() makes one.';
  end if;

  if into_version then
    select d.document, d.content_hash as hash into beneath
      from public.compositions as d
     where d.content_hash = source.current_hash;
  else
    beneath := private.beneath_layer(
      source.id, source.current_version, promoted_document.organization_id
    );
  end if;

  laid := private.lay(layer, beneath.document, beneath.hash);
  if laid.conflicts <> '[]' then
    raise exception 'parts of the layer over composition % do not apply', source.id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'layer_conflict', 'conflicts', laid.conflicts),
      hint    = 'Take these parts back with reset_layer(), or set them anew on the head.';
  end if;
  return laid.document;
end;
$$;

-- Write a layer: the way that all changes of one go.
--
--   composition_id   a composition whose layer private.lock_layer() has taken
--   organization_id  whose layer; null: the caller's own
--   base_version     the version beneath it
--   base             the document beneath it
--   wanted           what that is to look like with the layer; the same: the layer is removed
--   origin           as private.version_origin() takes it
--
-- Raises
--   PT422 invalid_document  what is wanted, with every problem found
--   PT422 invalid_argument  the origin is none
--
-- Definer rights: nobody may write layers in any other way.
create function private.put_layer(
  composition_id  uuid,
  organization_id uuid,
  base_version    integer,
  base            jsonb,
  wanted          jsonb,
  origin          jsonb
) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  said   constant jsonb := private.version_origin(put_layer.origin);
  patch  constant jsonb := private.json_diff(put_layer.base, put_layer.wanted);
  before constant public.composition_layers :=
    private.find_layer(put_layer.composition_id, put_layer.organization_id);
  after  public.composition_layers := before;
begin
  if patch = '[]' then
    after := null;
  else
    perform private.require_valid_document(put_layer.wanted);
    after.id := coalesce(before.id, gen_random_uuid());
    after.composition_id := put_layer.composition_id;
    after.user_id := case when put_layer.organization_id is null then auth.uid() end;
    after.organization_id := put_layer.organization_id;
    after.base_version := put_layer.base_version;
    after.base_hash := private.store_document(put_layer.base);
    after.patch := patch;
    after.origin := said;
    after.updated_at := clock_timestamp();
  end if;

  -- Before it: with the row, what it was made on may go.
  if said ? 'turn' then
    perform private.note_turn_change(
      'layer',
      case when before.id is not null then to_jsonb(before) end,
      case when after.id is not null then to_jsonb(after) end,
      said
    );
  end if;

  if after.id is null then
    delete from public.composition_layers as l where l.id = before.id;
  elsif before.id is null then
    insert into public.composition_layers select after.*;
  else
    update public.composition_layers as l
       set base_version = after.base_version,
           base_hash = after.base_hash,
           patch = after.patch,
           origin = after.origin,
           updated_at = after.updated_at
     where l.id = before.id;
  end if;
end;
$$;

-- Refuse an argument that is a choice, with what there is to choose from.
--
--   argument  its name
--   allowed   what it may be; null: it may not be given here
--
-- Raises
--   PT422 invalid_argument  always, with the argument
create function private.refuse_choice(argument text, allowed text[] default null) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception '% is not one that can be chosen here', argument using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument', 'argument', argument, 'allowed', to_jsonb(allowed)
    )),
    hint    = format('Leave %s out, or send an allowed value.', argument);
end;
$$;

-- Refuse what names neither the caller nor an organisation.
--
--   scope            'me' or 'organization'
--   organization_id  the organisation; 'me' has none
--
-- Raises
--   PT422 invalid_argument  no such scope, or an organisation that is not asked for
create function private.require_scope(scope text, organization_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  if scope is null or scope not in ('me', 'organization') then
    perform private.refuse_choice('scope', '{me,organization}');
  end if;
  if scope = 'me' and organization_id is not null then
    perform private.refuse_choice('organization_id');
  end if;
end;
$$;

-- Refuse paths at which a layer changes nothing.
--
--   paths   as reset_layer() takes them
--   base    the document that the layer was made on
--   wanted  what it looks like with the layer
--
-- Raises
--   PT404 layer_path_not_found  the layer changes nothing there, nor below
--   PT422 invalid_argument      they are no flat list, a path is null, or there are too many
create function private.require_layer_paths(paths text[], base jsonb, wanted jsonb) returns void
language plpgsql immutable
set search_path = ''
as $$
declare
  most    constant integer := 500;
  listed  constant integer := 100;
  changes constant text[] := (private.layer_changes(base, wanted)).changes;
  nth     bigint;
begin
  -- In this order: null is looked for in flat lists alone.
  if (case
       when array_ndims(paths) > 1 then true
       else cardinality(paths) > most or array_position(paths, null) is not null
     end)
  then
    raise exception 'paths are a flat list of at most % JSON Pointers, none null', most using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'paths'),
      hint    = 'Send paths around several of them, or none to take everything back.';
  end if;

  select min(p.nth) - 1 into nth
    from unnest(paths) with ordinality as p (path, nth)
   where not exists (
           select from unnest(changes) as c (path)
            where c.path = p.path
               or starts_with(c.path, p.path || '/')
               -- A part of something that the layer adds.
               or starts_with(p.path, c.path || '/')
              and not record_image_eq(
                    row (private.take_back(base, wanted, array[p.path])), row (wanted)
                  )
         );
  if nth is not null then
    raise exception 'the layer changes nothing at one of the paths' using
      errcode = 'PT404',
      detail  = jsonb_build_object(
        'code', 'layer_path_not_found', 'index', nth, 'paths', to_jsonb(changes[:listed])
      ),
      hint    = 'Take one of paths, which are what the layer changes, or one around some of them.';
  end if;
end;
$$;

-- A document with some of what a layer changes taken back.
--
--   base     the document that the layer was made on; null: nothing is there
--   wanted   what it looks like with the layer; null: nothing is there
--   paths    pointers as private.layer_changes() has them: what is there, and below it, is as in
--            the base
--   path     keys that lead to both, outermost first
--   returns  the document, which need not be a valid one; null: nothing is there
create function private.take_back(
  base   jsonb,
  wanted jsonb,
  paths  text[],
  path   text[] default '{}'
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  here  constant text := coalesce(private.pointer(variadic path), '');
  below constant text[] := array(
    select p.path from unnest(paths) as p (path) where starts_with(p.path, here || '/')
  );
  kind  text;
  part  record;
  value jsonb;
  keys  text[] := '{}';   -- parts that are otherwise than with the layer …
  vals  jsonb[] := '{}';  -- … and what they are; null: gone
begin
  if here = any (paths) then
    return base;
  elsif below <> '{}' then
    kind := private.merge_kind(base, wanted, wanted);
  end if;
  if kind is null then
    return wanted;
  end if;

  for part in
    select coalesce(b.key, w.key) as key, b.value as base, w.value as wanted
      from private.merge_parts(base, kind) as b
      full join private.merge_parts(wanted, kind) as w on w.key = b.key
     where not record_image_eq(row (b.value), row (w.value))
  loop
    value := private.take_back(part.base, part.wanted, below, path || part.key);
    if not record_image_eq(row (value), row (part.wanted)) then
      keys := array_append(keys, part.key);
      vals := array_append(vals, value);
    end if;
  end loop;

  if kind = 'object' then
    return private.object_of(wanted, keys, vals);
  end if;
  return (private.merge_array(base, wanted, base, kind, keys, vals)).merged;
end;
$$;

-- Look at what the caller, or an organisation, has changed about a composition for themselves, and
-- how much of that still applies.
--
--   composition_id   a composition the caller may view
--   scope            'me': the caller's own layer; 'organization': that of an organisation
--   organization_id  with scope 'organization': which one; null: the composition's own
--   returns          {composition_id, scope, organization_id, base_version, version, state, paths,
--                    conflicts?, changes, patch, sentences, updated_at}; organization_id is null
--                    with scope 'me'; version is the head. Without a layer, state is 'none'; it is
--                    'applied', 'stale' (parts that it changes are gone) or 'conflict' (parts that
--                    it changes have been changed to something else, or do not go together), and
--                    paths are those of the parts, which look as they do without it, and conflicts
--                    what is there and what the layer has. changes are the paths of all that the
--                    layer changes, for reset_layer(), with elements by their id; patch and
--                    sentences say the same, to the document that the layer was made on
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 organization_not_found  absent, the caller is no member, or the composition is not viewed
--                                 through it
--   PT410 composition_trashed     in the trash
--   PT422 invalid_argument        scope is not known, or an organisation is given that it has not
--
-- Definer rights: as load_composition().
create function public.get_layer(
  composition_id  uuid,
  scope           text default 'me',
  organization_id uuid default null
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_composition_role(get_layer.composition_id, 'viewer');
  return private.layer_summary(
    get_layer.composition_id,
    private.layer_holder(
      get_layer.composition_id, get_layer.scope, get_layer.organization_id, 'member'
    )
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

-- Make what the caller, or an organisation, has changed for themselves a version for everybody, or a
-- composition of the caller's own; the layer is gone then.
--
--   composition_id        a composition the caller may view; to make a version, they may edit it
--   into                  'version': the head with the layer becomes the next version; 'fork': what
--                         the composition looks like with the layer becomes a composition
--   scope                 'me': the caller's own layer; 'organization': that of an organisation, by
--                         an admin of it
--   organization_id       with scope 'organization': which one; null: the composition's own
--   title                 of a fork, 1 to 200 characters; null: that of the composition
--   fork_organization_id  an organisation of the caller's that a fork belongs to; null: personal
--   message               what changed, in words; null: nothing to say
--   origin                who made it and how: {kind?, agent?, conversation?, turn?}; null: the
--                         caller
--   returns               {composition_id, version, content_hash, title, updated_at}, of the
--                         composition or of the fork
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 composition_read_only      to make a version: readable, but the caller is no editor
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT403 quota_exceeded             the caller owns as many compositions as a person may
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 layer_not_found            there is no such layer
--   PT409 layer_conflict             parts of the layer do not apply, as conflicts says
--   PT410 composition_trashed        in the trash
--   PT422 invalid_document           a limit was lowered since
--   PT422 invalid_argument           a choice is not known, the title, the message or the origin
--                                    breaks its rule, or something is given that belongs to the
--                                    other choice
--
-- A version has no layer of an organisation in it, unless it is that one: what a person changed on
-- top of such a layer may not apply without it. A fork has them all.
--
-- Definer rights: callers may not call private.append_version() and private.insert_composition(),
-- which check them.
create function public.promote_layer(
  composition_id       uuid,
  "into"               text default 'version',
  scope                text default 'me',
  organization_id      uuid default null,
  title                text default null,
  fork_organization_id uuid default null,
  message              text default null,
  origin               jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  into_version constant boolean := promote_layer."into" = 'version';
  holder       uuid;
  layer        public.composition_layers;
  source       public.user_compositions;
  document     jsonb;
begin
  if promote_layer."into" is null or promote_layer."into" not in ('version', 'fork') then
    perform private.refuse_choice('into', '{version,fork}');
  end if;
  if into_version and num_nonnulls(promote_layer.title, promote_layer.fork_organization_id) > 0 then
    perform private.refuse_choice(
      case when promote_layer.title is null then 'fork_organization_id' else 'title' end
    );
  end if;

  -- All that either of them will need, in the order of locks.
  if into_version then
    perform private.lock_composition(promote_layer.composition_id, 'editor');
  else
    perform private.require_composition_role(promote_layer.composition_id, 'viewer');
    perform private.lock_memberships(
      array[private.lock_caller()],
      private.organizations_around(promote_layer.composition_id)
      || promote_layer.fork_organization_id
    );
  end if;
  holder := private.lock_layer(
    promote_layer.composition_id, promote_layer.scope, promote_layer.organization_id
  );

  select c.* into source
    from public.user_compositions as c
   where c.id = promote_layer.composition_id;
  layer := private.find_layer(source.id, holder);
  document := private.promoted_document(source, layer, holder, into_version);
  perform private.put_layer(source.id, holder, null, document, document, promote_layer.origin);

  if into_version then
    return private.append_version(
      composition_id => source.id,
      base_version   => null,
      document       => document,
      kind           => 'save',
      origin         => private.version_origin(promote_layer.origin),
      message        => promote_layer.message
    );
  end if;
  return private.insert_composition(
    organization_id     => promote_layer.fork_organization_id,
    title               => coalesce(promote_layer.title, source.title),
    description         => source.description,
    tags                => source.tags,
    document            => document,
    kind                => 'fork',
    origin              => private.version_origin(
                             promote_layer.origin,
                             facts => jsonb_build_object(
                               'forked_from', jsonb_build_object(
                                 'composition_id', source.id, 'version', source.current_version
                               )
                             )
                           ),
    message             => promote_layer.message,
    forked_from_id      => source.id,
    forked_from_version => source.current_version
  );
end;
$$;

-- Take back what the caller, or an organisation, has changed about a composition for themselves.
--
--   composition_id   a composition the caller may view
--   paths            take back what was changed at one of these paths or below it; null: everything
--   scope            'me': the caller's own layer; 'organization': that of an organisation, by an
--                    admin of it
--   organization_id  with scope 'organization': which one; null: the composition's own
--   origin           who made it and how: {kind?, agent?, conversation?, turn?}; null: the caller
--   returns          what is left: {composition_id, scope, organization_id, base_version, version,
--                    state, paths, conflicts?, changes, patch, sentences, updated_at}, as
--                    get_layer()
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 layer_path_not_found       the layer changes nothing at one of the paths or below it
--   PT410 composition_trashed        in the trash
--   PT422 invalid_document           what is left of the layer does not go without the rest
--   PT422 invalid_argument           a path or the origin is none, scope is not known, or an
--                                    organisation is given that it has not
--
-- Paths are those that get_layer() lists as changes, or paths around them, as in its conflicts.
-- Parts that need each other, such as a component and the one that holds it, go in one call.
--
-- Definer rights: nobody may write layers in any other way.
create function public.reset_layer(
  composition_id  uuid,
  paths           text[] default null,
  scope           text default 'me',
  organization_id uuid default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  holder  constant uuid := private.lock_layer(
    reset_layer.composition_id, reset_layer.scope, reset_layer.organization_id
  );
  layer   constant public.composition_layers :=
    private.find_layer(reset_layer.composition_id, holder);
  base    jsonb;
  wanted  jsonb;
begin
  select d.document, private.on_base(d.document, layer.patch)
    into base, wanted
    from public.compositions as d
   where d.content_hash = layer.base_hash;

  if paths is not null then
    perform private.require_layer_paths(paths, base, wanted);
  end if;
  if layer.id is not null then
    perform private.put_layer(
      reset_layer.composition_id,
      holder,
      layer.base_version,
      base,
      case when paths is null then base else private.take_back(base, wanted, paths) end,
      reset_layer.origin
    );
  end if;
  return private.layer_summary(reset_layer.composition_id, holder);
end;
$$;

-- Change how a composition looks, for oneself alone or for an organisation: a layer on top of it,
-- which stays as the composition changes.
--
--   composition_id   a composition the caller may view
--   base_version     the version that the patch was made on
--   patch            what is to look different
--   scope            'me': for the caller; 'organization': for its members, by an admin of it
--   organization_id  with scope 'organization': which one; null: the composition's own
--   format           'json-patch' (RFC 6902) or 'merge-patch' (RFC 7396)
--   mode             'replace': the patch is all of the layer, and made on what lies beneath it;
--                    'extend': it is made on what the composition looks like with the layer
--   origin           who made it and how: {kind?, agent?, conversation?, turn?}; null: the caller
--   returns          {composition_id, scope, organization_id, base_version, version, state, paths,
--                    conflicts?, changes, patch, sentences, updated_at}, as get_layer()
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 version_not_found          the composition has no such version, or no longer
--   PT409 patch_path_not_found       nothing is where the patch looks for something
--   PT409 patch_test_failed          something else is where the patch tests
--   PT410 composition_trashed        in the trash
--   PT422 invalid_patch              the patch is none
--   PT422 invalid_document           what the patch makes, with every problem found
--   PT422 invalid_argument           base_version is null; scope, format, mode or origin is not
--                                    known; or an organisation is given that the scope has not
--
-- What lies beneath the layer of a person is the version with the layers of their organisations on
-- it. With mode 'extend', what did not apply any more of the layer is no part of it from then on. A
-- layer that changes nothing is none.
--
-- Definer rights: nobody may write layers in any other way.
create function public.set_layer(
  composition_id  uuid,
  base_version    integer,
  patch           jsonb,
  scope           text default 'me',
  organization_id uuid default null,
  format          text default 'json-patch',
  mode            text default 'replace',
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  layer record;
begin
  if set_layer.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;
  if set_layer.mode is null or set_layer.mode not in ('replace', 'extend') then
    perform private.refuse_choice('mode', '{replace,extend}');
  end if;

  layer := private.layer_to_change(
    set_layer.composition_id, set_layer.scope, set_layer.organization_id, set_layer.base_version,
    with_layer => set_layer.mode = 'extend'
  );
  perform private.put_layer(
    set_layer.composition_id,
    layer.holder,
    layer.base_version,
    layer.beneath,
    private.apply_patch(layer.shown, set_layer.patch, set_layer.format),
    set_layer.origin
  );
  return private.layer_summary(set_layer.composition_id, layer.holder);
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
