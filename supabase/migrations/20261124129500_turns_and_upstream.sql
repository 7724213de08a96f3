-- What one turn of an agent did is undone whole.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

insert into private.settings (name, value, description)
values
  ('turn_days', 30, 'Days for which a turn of an agent can be undone');

-- The new one lets through all that the old one did.
alter table public.composition_versions
  drop constraint composition_versions_kind_known,
  add constraint composition_versions_kind_known
    check (kind in ('create', 'fork', 'save', 'restore', 'merge', 'conflict', 'undo', 'upstream'));

-- What was done in a turn of an agent beside versions, which say themselves in which turn they were
-- made: layers and pins as they were before and after, so that undo_turn() can bring them back. It
-- is forgotten after turn_days (private.settings).
create table private.turn_changes (
  id              bigint      generated always as identity,
  user_id         uuid        not null,
  turn            text        not null,
  conversation    text        not null,            -- '': none was named
  kind            text        not null,
  -- What was changed: a layer or a pin by its organisation, or by none if it is the person's own.
  composition_id  uuid,                            -- null: a pin
  organization_id uuid,
  context         text,                            -- of a pin
  before          jsonb,                           -- the row; null: there was none
  after           jsonb,                           -- the row; null: there is none
  base_hash       bytea,                           -- content that `before` needs to come back
  created_at      timestamptz not null default clock_timestamp(),
  undone          jsonb,                           -- who took it back and how; null: nobody

  constraint turn_changes_pkey primary key (id),
  constraint turn_changes_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint turn_changes_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint turn_changes_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint turn_changes_base_hash_fkey
    foreign key (base_hash) references public.compositions (content_hash),
  constraint turn_changes_kind_known check (kind in ('layer', 'pin', 'upstream', 'trash'))
);

create index turn_changes_user_id_turn_idx on private.turn_changes (user_id, turn);
create index turn_changes_composition_id_idx on private.turn_changes (composition_id);
create index turn_changes_organization_id_idx on private.turn_changes (organization_id);
create index turn_changes_base_hash_idx on private.turn_changes (base_hash);
create index turn_changes_created_at_idx on private.turn_changes (created_at);

alter table private.turn_changes enable row level security;

-- Take over into a fork what was changed since in what it was made from.
--
--   fork     the row, locked by private.lock_fork()
--   keep     whether it stays as it is in the fork where both changed the same
--   made     who does it and how: private.version_origin()
--   message  what changed, in words; null: nothing to say
--   returns  {composition_id, version, content_hash, title, updated_at, upstream_id, from_version,
--            to_version, up_to_date, merged?, conflicts}
--
-- Raises
--   PT404 version_not_found  the version that both have in common was deleted for its age
--   PT409 merge_conflict     both changed the same
--   PT422 invalid_document   a limit was lowered since
--   PT422 invalid_argument   the message is too long
--
-- Definer rights: nobody may move what a fork stands on in any other way.
create function private.apply_upstream(
  fork    public.user_compositions,
  keep    boolean,
  made    jsonb,
  message text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  upstream constant public.user_compositions := private.require_upstream(fork.id);
  answer   constant jsonb := jsonb_build_object(
    'upstream_id', upstream.id,
    'from_version', fork.forked_from_version,
    'to_version', upstream.current_version
  );
  merge    record;
  saved    record;
begin
  if fork.forked_from_version = upstream.current_version then
    return private.write_summary(fork) || answer || '{"up_to_date": true, "conflicts": []}';
  end if;

  merge := private.upstream_merge(fork, upstream);
  if merge.merged is null or merge.conflicts <> '[]' and not keep then
    raise exception 'composition % and its upstream both changed the same', fork.id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'merge_conflict', 'conflicts', merge.conflicts),
      hint    = 'Send on_conflict "keep" to keep what the fork has there, or save a merge by hand.';
  end if;
  perform private.require_valid_document(merge.merged);

  update public.user_compositions as c
     set forked_from_version = upstream.current_version
   where c.id = fork.id;
  perform private.note_turn_change(
    'upstream',
    jsonb_build_object('id', fork.id, 'forked_from_version', fork.forked_from_version),
    jsonb_build_object('id', fork.id, 'forked_from_version', upstream.current_version),
    made
  );

  saved := private.insert_version(
    fork, merge.merged, 'upstream',
    made || jsonb_build_object(
      'composition_id', upstream.id, 'version', upstream.current_version
    ),
    apply_upstream.message, fork.current_version
  );
  return private.write_summary(saved.changed) || answer
    || jsonb_build_object('up_to_date', false, 'merged', true, 'conflicts', merge.conflicts);
end;
$$;

-- Delete content that nothing reaches any more, no version, no layer, and no layer that undo_turn()
-- might bring back, out of some.
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
     )
     and not exists (
       select from private.turn_changes as t where t.base_hash = d.content_hash
     );
  get diagnostics deleted = row_count;
  return deleted;
end;
$$;

-- Collect the documents that layers of turns were made on, once these turns are forgotten, in
-- whatever way.
--
-- Definer rights: nobody may delete content in any other way.
create function private.forget_turn_bases() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.collect_content(array(
    select distinct g.base_hash from gone as g where g.base_hash is not null
  ));
  return null;
end;
$$;

create trigger turn_changes_forget
  after delete on private.turn_changes
  referencing old table as gone
  for each statement execute function private.forget_turn_bases();

-- Delete what was noted of turns that can be undone no longer, the oldest 100. A day later than that:
-- of a turn that is just becoming too old, all is known, or nothing.
--
-- Definer rights: nobody may delete these rows in any other way.
create function private.forget_turn_changes() returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  delete from private.turn_changes as t
   using (
      select o.id
        from private.turn_changes as o
       where o.created_at < private.turn_horizon() - interval '1 day'
       order by o.created_at
       limit 100
         for update skip locked
    ) as old
   where t.id = old.id;
end;
$$;

-- Take a fork for a change, and hold what it was made from, after everyone who came first.
--
--   composition_id  any id
--   returns         the row of the fork, locked until the transaction ends
--
-- Raises what private.lock_composition() and private.require_upstream() raise.
--
-- Whoever purges what it was made from or takes a share of it away waits, and knows that nothing of
-- it comes after; others who update from it do not wait. Both are taken in the order of their ids,
-- as by all who hold several.
--
-- Definer rights: callers may not lock rows.
create function private.lock_fork(composition_id uuid) returns public.user_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   uuid;
  fork     public.user_compositions;
  upstream uuid;
begin
  perform private.require_composition_role(lock_fork.composition_id, 'editor');
  upstream := (private.require_upstream(lock_fork.composition_id)).id;
  caller := private.lock_caller();
  perform private.lock_memberships(
    array[caller],
    private.organizations_around(lock_fork.composition_id)
    || private.organizations_around(upstream)
  );

  if upstream < lock_fork.composition_id then
    perform from public.user_compositions as c where c.id = upstream for share;
  end if;
  fork := private.lock_composition(lock_fork.composition_id, 'editor');
  perform from public.user_compositions as c where c.id = upstream for share;

  perform private.require_upstream(lock_fork.composition_id);
  return fork;
end;
$$;

-- Take all that undo_turn() has to change, after everyone who came first.
--
--   user_id       the caller, locked
--   turn          the turn
--   conversation  where it was; '': in none
--   returns       the compositions that are locked now
--
-- Raises
--   PT403 organization_role_too_low  what an organisation sees was changed, and the caller is no
--                                    admin any more
--   PT404 organization_not_found     or no member
-- with the organization_id, and what private.lock_composition() raises, with the composition_id.
--
-- Definer rights: callers may not lock rows.
create function private.lock_turn(user_id uuid, turn text, conversation text) returns uuid[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  organization uuid;
  target       record;
  locked       uuid[] := '{}';
  code         text;
  said         text;
  facts        text;
  advice       text;
begin
  for organization in
    select distinct t.organization_id
      from private.turn_changes as t
     where t.user_id = lock_turn.user_id
       and t.turn = lock_turn.turn
       and t.conversation = lock_turn.conversation
       and t.undone is null
       and t.organization_id is not null
     order by t.organization_id
  loop
    begin
      perform private.lock_organization(organization, 'admin');
    exception
      when sqlstate 'PT403' or sqlstate 'PT404' then
        get stacked diagnostics
          code = returned_sqlstate, said = message_text, facts = pg_exception_detail,
          advice = pg_exception_hint;
        raise exception '%', said using
          errcode = code,
          detail  = facts::jsonb || jsonb_build_object('organization_id', organization),
          hint    = advice;
    end;
  end loop;

  perform private.lock_memberships(array[lock_turn.user_id], array(
    select distinct o.id
      from private.turn_targets(lock_turn.user_id, lock_turn.turn, lock_turn.conversation) as t
     cross join lateral unnest(private.organizations_around(t.composition_id)) as o (id)
  ));

  for target in
    select t.composition_id, t.required, t.in_trash
      from private.turn_targets(lock_turn.user_id, lock_turn.turn, lock_turn.conversation) as t
     order by t.composition_id
  loop
    begin
      perform private.lock_composition(target.composition_id, target.required, target.in_trash);
    exception
      when sqlstate 'PT403' or sqlstate 'PT404' or sqlstate 'PT409' or sqlstate 'PT410' then
        get stacked diagnostics
          code = returned_sqlstate, said = message_text, facts = pg_exception_detail,
          advice = pg_exception_hint;
        raise exception '%', said using
          errcode = code,
          detail  = facts::jsonb || jsonb_build_object('composition_id', target.composition_id),
          hint    = advice;
    end;
    locked := locked || target.composition_id;
  end loop;
  return locked;
end;
$$;

-- Remember a change that the caller has just made to a layer or a pin, if it belongs to a turn.
--
--   kind    'layer' or 'pin'; 'upstream': the version of its upstream that a fork stands on;
--           'trash': a composition that undo_turn() threw away
--   before  the row as it was, by to_jsonb(); null: there was none
--   after   the row as it is now; null: there is none
--   origin  how it came to be, by private.version_origin()
--
-- Called after the change and in its transaction, with the locks held that it needed. In passing it
-- forgets what is older than turn_days.
--
-- Definer rights: nobody may write these rows in any other way.
create function private.note_turn_change(kind text, before jsonb, after jsonb, origin jsonb)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  noted constant jsonb := coalesce(note_turn_change.after, note_turn_change.before);
begin
  if origin ? 'turn' is not true or before is not distinct from after then
    return;
  end if;

  insert into private.turn_changes
    (user_id, turn, conversation, kind, composition_id, organization_id, context, before, after,
     base_hash)
  values
    (private.caller_id(), origin ->> 'turn', coalesce(origin ->> 'conversation', ''),
     note_turn_change.kind,
     case
       when note_turn_change.kind = 'layer' then (noted ->> 'composition_id')::uuid
       when note_turn_change.kind <> 'pin' then (noted ->> 'id')::uuid
     end,
     case
       when note_turn_change.kind in ('layer', 'pin') then (noted ->> 'organization_id')::uuid
     end,
     noted ->> 'context',
     note_turn_change.before,
     note_turn_change.after,
     (note_turn_change.before ->> 'base_hash')::bytea);

  perform private.forget_turn_changes();
end;
$$;

-- What update_from_upstream() would do.
--
--   composition_id  a fork
--   returns         {upstream_id, from_version, to_version, up_to_date, patch, sentences, conflicts,
--                   merged?}
--
-- Raises what private.require_composition_role(), private.require_upstream() and
-- private.upstream_merge() raise.
--
-- Definer rights: it looks past the policies.
create function private.preview_upstream(composition_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  upstream public.user_compositions;
  fork     public.user_compositions;
  merge    record;
  answer   jsonb;
  becomes  jsonb;
begin
  perform private.require_composition_role(preview_upstream.composition_id, 'viewer');
  upstream := private.require_upstream(preview_upstream.composition_id);
  select c.* into fork
    from public.user_compositions as c
   where c.id = preview_upstream.composition_id;

  merge := private.upstream_merge(fork, upstream);
  becomes := coalesce(merge.merged, merge.head);
  answer := jsonb_build_object(
    'upstream_id', upstream.id,
    'from_version', fork.forked_from_version,
    'to_version', upstream.current_version,
    'up_to_date', fork.forked_from_version = upstream.current_version,
    'patch', private.json_diff(merge.head, becomes),
    'sentences', private.diff_sentences(merge.head, becomes),
    'conflicts', merge.conflicts
  );
  return case
    when merge.merged is null then answer
    else jsonb_set(answer, '{merged}', merge.merged)
  end;
end;
$$;

-- The composition that a fork was made from, if the caller may view it.
--
--   composition_id  a composition that the caller may view
--   returns         the row
--
-- Raises
--   PT404 upstream_not_found  it is no fork; or what it was made from is gone, in the trash, or not
--                             readable by the caller: nobody learns which
--
-- Definer rights: it looks at a row that the policies hide.
create function private.require_upstream(composition_id uuid) returns public.user_compositions
language plpgsql stable security definer
set search_path = ''
as $$
declare
  upstream public.user_compositions;
begin
  select u.* into upstream
    from public.user_compositions as c
    join public.user_compositions as u on u.id = c.forked_from_id
   where c.id = require_upstream.composition_id
     and private.may_view(u.id, auth.uid());

  if upstream.id is null then
    raise exception 'composition % has no upstream that can be viewed',
      require_upstream.composition_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'upstream_not_found'),
      hint    = 'Ask the owner of what it was forked from to share it.';
  end if;
  return upstream;
end;
$$;

-- The conversation in which a turn was, out of what a caller says of it.
--
--   user_id       the caller
--   turn          the turn
--   conversation  the conversation; null: there is but one with such a turn
--   returns       the conversation; '': none was named when things were done
--
-- Raises
--   PT404 turn_not_found    the caller did nothing in such a turn, or too long ago
--   PT422 invalid_argument  several conversations of the caller's have such a turn
--
-- Definer rights: callers have no access to what was noted of turns.
create function private.turn_conversation(user_id uuid, turn text, conversation text)
returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found  text[];
  oldest timestamptz;
begin
  select array_agg(distinct d.conversation order by d.conversation), min(d.created_at)
    into found, oldest
    from (
      select v.conversation, v.created_at
        from private.turn_versions(turn_conversation.user_id, turn_conversation.turn) as v
      union all
      select t.conversation, t.created_at
        from private.turn_changes as t
       where t.user_id = turn_conversation.user_id
         and t.turn = turn_conversation.turn
    ) as d
   where d.conversation = turn_conversation.conversation
      or turn_conversation.conversation is null;

  if cardinality(found) > 1 then
    raise exception 'several conversations have such a turn' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'conversation'),
      hint    = 'Send the conversation as well.';
  end if;

  -- Whole or not at all: what was noted of a turn that is older may be forgotten.
  if found is null or oldest < private.turn_horizon() then
    raise exception 'the caller did nothing in such a turn' using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'turn_not_found'),
      hint    = 'Send the turn and the conversation as origin had them, within turn_days.';
  end if;
  return found[1];
end;
$$;

-- How far back turns can be undone: by turn_days (private.settings).
create function private.turn_horizon() returns timestamptz
language sql stable
set search_path = ''
as $$
  select now() - least(private.setting('turn_days'), 1000000) * interval '1 day';
$$;

-- What a turn changed, as it is now, in the form in which private.note_turn_change() takes it.
--
--   change   a row of turn_changes
--   returns  null: there is nothing now
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.turn_row(change private.turn_changes) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  holder constant uuid := case when change.organization_id is null then change.user_id end;
begin
  return case change.kind
    when 'layer' then (
      select to_jsonb(l)
        from public.composition_layers as l
       where l.composition_id = change.composition_id
         and l.user_id is not distinct from holder
         and l.organization_id is not distinct from change.organization_id
    )
    when 'pin' then (
      select to_jsonb(p)
        from public.composition_pins as p
       where p.context = change.context
         and p.user_id is not distinct from holder
         and p.organization_id is not distinct from change.organization_id
    )
    when 'trash' then (
      select jsonb_build_object('id', c.id, 'deleted_at', c.deleted_at)
        from public.user_compositions as c
       where c.id = change.composition_id
    )
    else (
      select jsonb_build_object('id', c.id, 'forked_from_version', c.forked_from_version)
        from public.user_compositions as c
       where c.id = change.composition_id
    )
  end;
end;
$$;

-- What counts when a row is compared with what it was: not when and how it came to be.
--
--   noted  a row as private.note_turn_change() takes it; null: there is none
create function private.turn_state(noted jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
  select noted - '{id,origin,created_at,updated_at}'::text[];
$$;

-- The compositions that undo_turn() has to change.
--
--   user_id       the caller
--   turn          the turn
--   conversation  where it was; '': in none
--   returns       a row for each composition:
--                   versions  those that the turn made; null: none
--                   required  the role that the caller needs
--                   in_trash  whether it comes out of the trash
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.turn_targets(user_id uuid, turn text, conversation text)
returns table (composition_id uuid, versions integer[], required text, in_trash boolean)
language plpgsql stable security definer rows 10
set search_path = ''
as $$
begin
  return query
    with made as (
      select v.composition_id, array_agg(v.version) as versions
        from private.turn_versions(turn_targets.user_id, turn_targets.turn) as v
       where v.conversation = turn_targets.conversation
       group by v.composition_id
    ),
    changed as (
      select c.id as composition_id, bool_or(t.kind = 'trash') as in_trash,
             bool_or(t.kind = 'upstream') as stands_elsewhere
        from private.turn_changes as t
        join public.user_compositions as c
          on c.id = coalesce(t.composition_id, (t.before ->> 'composition_id')::uuid)
       where t.user_id = turn_targets.user_id
         and t.turn = turn_targets.turn
         and t.conversation = turn_targets.conversation
         and t.undone is null
         and (t.kind <> 'trash' or c.deleted_at is not null)
         and (t.kind <> 'pin' or private.may_view(c.id, t.user_id))
       group by c.id
    )
    select c.id, m.versions,
           case
             when g.in_trash or e.oldest is not null and e.back_to is null then 'owner'
             -- Its version may be gone for its age, and what the fork stands on is still changed.
             when e.oldest is not null or g.stands_elsewhere then 'editor'
             else 'viewer'
           end,
           coalesce(g.in_trash, false)
      from made as m
      full join changed as g on g.composition_id = m.composition_id
      join public.user_compositions as c on c.id = coalesce(m.composition_id, g.composition_id)
     cross join lateral private.versions_in_effect(c.id, m.versions) as e
     where case
             -- Made in the turn, and in the trash: it is where it was to go.
             when 1 = any (m.versions) and c.deleted_at is not null then g.in_trash
             else g.composition_id is not null or e.oldest is not null
           end;
end;
$$;

-- What a turn changed, as answers name it.
--
--   change   a row of turn_changes, of a layer or a pin
--   is_now   its row as it is now: private.turn_row()
--   returns  {composition_id, title, layer: {scope, organization_id}}, or {composition_id, title,
--            pin: {context, scope, organization_id}}, with what is pinned now, if the caller may
--            view it
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.turn_thing(change private.turn_changes, is_now jsonb) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  holder constant jsonb := jsonb_build_object(
    'scope', case when change.organization_id is null then 'me' else 'organization' end,
    'organization_id', change.organization_id
  );
  piece  public.user_compositions;
begin
  select c.* into piece
    from public.user_compositions as c
   where c.id = coalesce(change.composition_id, (is_now ->> 'composition_id')::uuid)
     and private.may_view(c.id, change.user_id);

  return jsonb_build_object('composition_id', piece.id, 'title', piece.title) || case change.kind
    when 'layer' then jsonb_build_object('layer', holder)
    else jsonb_build_object('pin', jsonb_build_object('context', change.context) || holder)
  end;
end;
$$;

-- What undo_turn() answers, out of what came of each part of a turn.
--
--   turn      the turn
--   outcomes  of private.undo_versions() and private.undo_change(); nulls are parts of which nothing
--             was left to undo
--   returns   {turn, compositions, trashed, layers, pins, organization_ids}
--
-- Raises
--   PT409 turn_overtaken  something stands on one of them
--   PT409 turn_undone     nothing was left to undo
create function private.turn_undone(turn text, outcomes jsonb[]) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  found constant jsonb := coalesce(
    (select jsonb_agg(o.outcome) from unnest(outcomes) as o (outcome) where o.outcome is not null),
    '[]'
  );
begin
  if found @? '$[*].later' then
    raise exception 'later changes stand on what was done in the turn' using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'turn_overtaken', 'later', jsonb_path_query_array(found, '$[*].later')
      ),
      hint    = 'Undo these first, or change by hand what is to be as before.';
  end if;

  if found = '[]' then
    raise exception 'what was done in the turn is undone already' using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'turn_undone'),
      hint    = 'To have it again, restore what list_versions() shows.';
  end if;

  return jsonb_build_object(
    'turn', turn_undone.turn,
    'compositions', jsonb_path_query_array(found, '$[*].composition'),
    'trashed', jsonb_path_query_array(found, '$[*].trashed'),
    'layers', jsonb_path_query_array(found, '$[*].layer'),
    'pins', jsonb_path_query_array(found, '$[*].pin'),
    'organization_ids', coalesce(
      (
        select jsonb_agg(distinct i.id)
          from jsonb_path_query(found, '$[*].*.organization_id ? (@ != null)') as i (id)
      ),
      '[]'
    )
  );
end;
$$;

-- The versions that a person made in a turn, and that were a head.
--
--   user_id  the person
--   turn     as they were told
--   returns  a row for each version; conversation is '' where none was named
--
-- Definer rights: it looks past the policies, at versions that somebody may see no longer.
create function private.turn_versions(user_id uuid, turn text)
returns table (
  composition_id uuid,
  version        integer,
  conversation   text,
  created_at     timestamptz
)
language plpgsql stable security definer rows 10
set search_path = ''
as $$
begin
  return query
    select v.composition_id, v.version, coalesce(v.origin ->> 'conversation', ''), v.created_at
      from public.composition_versions as v
     where v.author_id = turn_versions.user_id
       and v.origin ? 'turn'
       and v.origin ->> 'turn' = turn_versions.turn
       and v.kind <> 'conflict';
end;
$$;

-- Undo what a turn changed about one thing beside versions, if nothing stands on it.
--
--   changes  rows of turn_changes, all of them about the same thing, oldest first
--   is_one   whether nothing else changed it in between
--   made     what is stored about who undoes it: private.version_origin()
--   returns  {layer: …} and {pin: …}: what is as before; {composition: …}: it is out of the trash;
--            {later: …}: what stands in the way; null: nothing that answers show
--
-- Raises
--   PT403 quota_exceeded  there are as many pins as a person or an organisation may have
--
-- Definer rights: nobody may write these rows in any other way.
create function private.undo_change(
  changes private.turn_changes[],
  is_one  boolean,
  made    jsonb
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  thing  constant private.turn_changes := changes[1];
  after  constant jsonb := (changes[cardinality(changes)]).after;
  is_now jsonb;
  piece  public.user_compositions;
begin
  if thing.kind = 'pin' then
    perform private.lock_pins(coalesce(thing.organization_id, thing.user_id));
  end if;
  is_now := private.turn_row(thing);

  update private.turn_changes as t
     set undone = made
   where t.id in (select c.id from unnest(changes) as c);

  if thing.kind = 'upstream' then
    update public.user_compositions as c
       set forked_from_version = (thing.before ->> 'forked_from_version')::integer
     where c.id = thing.composition_id;
    perform private.note_turn_change('upstream', is_now, thing.before, made);
    return null;
  end if;

  if thing.kind = 'trash' then
    update public.user_compositions as c
       set deleted_at = null
     where c.id = thing.composition_id
       and c.deleted_at is not null
    returning c.* into piece;
    perform private.note_turn_change('trash', is_now, thing.before, made);
    return case when piece.id is not null then
      jsonb_build_object('composition', private.write_summary(piece))
    end;
  end if;

  -- A pin may be gone with its composition: nobody has changed it.
  if not is_one
    or private.turn_state(is_now) is distinct from private.turn_state(after)
    and not (
      thing.kind = 'pin'
      and is_now is null
      and not exists (
        select from public.user_compositions as c
         where c.id = (after ->> 'composition_id')::uuid
      )
    )
  then
    return jsonb_build_object('later', private.turn_thing(thing, is_now));
  end if;
  return case thing.kind
    when 'layer' then private.undo_layer(thing, made)
    else private.undo_pin(thing, made)
  end;
end;
$$;

-- Undo what a turn changed beside versions, if nothing stands on it. Each thing once, however often
-- the turn changed it.
--
--   user_id       the caller
--   turn          the turn
--   conversation  where it was; '': in none
--   made          what is stored about who undoes it: private.version_origin()
--   returns       what private.undo_change() answers for each thing
--
-- Definer rights: callers have no access to what was noted of turns.
create function private.undo_changes(user_id uuid, turn text, conversation text, made jsonb)
returns jsonb[]
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  thing record;
  done  jsonb[] := '{}';
begin
  for thing in
    select array_agg(s.change order by (s.change).id) as changes, bool_and(s.is_next) as is_one
      from (
        select t as change,
               private.turn_state(t.before) is not distinct from private.turn_state(
                 lag(t.after, 1, t.before) over (
                   partition by t.kind, t.composition_id, t.organization_id, t.context
                   order by t.id
                 )
               ) as is_next
          from private.turn_changes as t
         where t.user_id = undo_changes.user_id
           and t.turn = undo_changes.turn
           and t.conversation = undo_changes.conversation
           and t.undone is null
      ) as s
     group by (s.change).kind, (s.change).composition_id, (s.change).organization_id,
              (s.change).context
     -- Of pins, which are locked here: one's own, then those of organisations by their ids.
     order by (s.change).kind, (s.change).organization_id nulls first, min((s.change).id)
  loop
    done := done || private.undo_change(thing.changes, thing.is_one, made);
  end loop;

  -- What the turn had taken back itself is in effect again, and can be undone once more.
  update private.turn_changes as t
     set undone = null
   where t.user_id = undo_changes.user_id
     and t.undone ->> 'turn' = undo_changes.turn
     and coalesce(t.undone ->> 'conversation', '') = undo_changes.conversation;
  return done;
end;
$$;

-- Bring a layer back as it was before a turn.
--
--   change   the first change of the turn: a row of turn_changes
--   made     what is stored about who undoes it: private.version_origin()
--   returns  {layer: {composition_id, scope, organization_id}}
--
-- Raises
--   PT409 not_visible_to_organization  the composition is not viewed through the organisation any
--                                      more, so no layer of it can come back
--
-- The composition is locked, so no other change of the layer is under way (private.lock_layer()).
--
-- Definer rights: nobody may write layers in any other way.
create function private.undo_layer(change private.turn_changes, made jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  is_now constant jsonb := private.turn_row(change);
  wanted public.composition_layers :=
    jsonb_populate_record(null::public.composition_layers, change.before);
begin
  if change.before is not null and change.organization_id is not null then
    perform private.require_visible_to_organization(
      change.composition_id, change.organization_id
    );
  end if;
  wanted.id := coalesce((is_now ->> 'id')::uuid, gen_random_uuid());
  wanted.updated_at := clock_timestamp();

  -- Before it: with the row, what it was made on may go.
  perform private.note_turn_change('layer', is_now, change.before, made);
  delete from public.composition_layers as l
   where l.id = wanted.id
     and change.before is null;
  if change.before is not null then
    insert into public.composition_layers as l
    select wanted.*
    on conflict on constraint composition_layers_pkey do update
       set base_version = excluded.base_version,
           base_hash = excluded.base_hash,
           patch = excluded.patch,
           origin = excluded.origin,
           updated_at = excluded.updated_at;
  end if;

  return jsonb_build_object('layer', jsonb_build_object(
    'composition_id', change.composition_id,
    'scope', case when change.organization_id is null then 'me' else 'organization' end,
    'organization_id', change.organization_id
  ));
end;
$$;

-- Bring a pin back as it was before a turn; or none, where what was pinned is gone, or may no longer
-- be viewed by whose pin it is.
--
--   change   the first change of the turn: a row of turn_changes
--   made     what is stored about who undoes it: private.version_origin()
--   returns  {pin: {context, scope, organization_id, composition_id, position}}; composition_id is
--            null where nothing is pinned now
--
-- Raises
--   PT403 quota_exceeded  there are as many pins as a person or an organisation may have
--
-- Definer rights: nobody may write pins in any other way.
create function private.undo_pin(change private.turn_changes, made jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  is_now constant jsonb := private.turn_row(change);
  holder constant uuid := case when change.organization_id is null then change.user_id end;
  wanted constant uuid := (change.before ->> 'composition_id')::uuid;
  pin    public.composition_pins;
begin
  if private.may_view(wanted, change.user_id) and (
    change.organization_id is null
    or private.organization_may_view(wanted, change.organization_id)
  ) then
    pin := private.put_pin(
      user_id         => holder,
      organization_id => change.organization_id,
      context         => change.context,
      composition_id  => wanted,
      "position"      => (change.before ->> 'position')::integer,
      origin          => made
    );
  else
    delete from public.composition_pins as p where p.id = (is_now ->> 'id')::uuid;
    perform private.note_turn_change('pin', is_now, null, made);
    pin.user_id := holder;
    pin.organization_id := change.organization_id;
    pin.context := change.context;
  end if;
  return jsonb_build_object('pin', private.pin_summary(pin));
end;
$$;

-- Undo what a turn saved in one composition, if nothing stands on it.
--
--   composition_id  a composition that the caller has locked
--   versions        those that the turn made
--   made            what is stored about who undoes it: private.version_origin()
--   returns         {composition: …}: as it is now; {trashed: its id}: the turn had made it;
--                   {later: {composition_id, title, versions}}: what stands on it; null: nothing
--                   was left to undo
--
-- Raises
--   PT404 version_not_found  what was there before was deleted for its age
--   PT422 invalid_document   a limit was lowered since it was saved
--
-- Definer rights: nobody may move a head in any other way.
create function private.undo_versions(composition_id uuid, versions integer[], made jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  effect record := private.versions_in_effect(undo_versions.composition_id, versions);
  before public.user_compositions;
  after  public.user_compositions;
begin
  select c.* into before
    from public.user_compositions as c
   where c.id = undo_versions.composition_id;

  if effect.oldest is null or effect.back_to is null and before.deleted_at is not null then
    return null;
  end if;

  if effect.later <> '{}' then
    return jsonb_build_object('later', jsonb_build_object(
      'composition_id', before.id,
      'title', before.title,
      'versions', effect.later[:100]
    ));
  end if;

  if effect.back_to is not null then
    return jsonb_build_object('composition', private.append_version(
      composition_id => before.id,
      base_version   => null,
      document       => public.get_version(before.id, effect.back_to) -> 'document',
      kind           => 'undo',
      origin         => made || jsonb_build_object('version', effect.back_to),
      message        => null
    ));
  end if;

  update public.user_compositions as c
     set deleted_at = clock_timestamp()
   where c.id = before.id
  returning c.* into after;
  perform private.note_turn_change(
    'trash',
    jsonb_build_object('id', before.id, 'deleted_at', before.deleted_at),
    jsonb_build_object('id', after.id, 'deleted_at', after.deleted_at),
    made
  );
  return jsonb_build_object('trashed', before.id);
end;
$$;

-- What a fork becomes with what was changed since in what it was made from.
--
--   fork       a row of user_compositions
--   upstream   the row of what it was made from, which the caller may view
--   head       the document of the fork as it is
--   merged     with the changes of both; where both changed the same, it is as in the fork. Null:
--              the changes of both do not go together
--   conflicts  where both changed the same: private.merge_documents(), with the fork as head
--
-- Raises
--   PT404 version_not_found  the version that the fork stands on was deleted for its age
--
-- Definer rights: it reads the content store.
create function private.upstream_merge(
  fork          public.user_compositions,
  upstream      public.user_compositions,
  out head      jsonb,
  out merged    jsonb,
  out conflicts jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  head := (select d.document from public.compositions as d where d.content_hash = fork.current_hash);

  -- What the fork has deleted stays deleted.
  select m.merged, m.conflicts into upstream_merge.merged, upstream_merge.conflicts
    from private.merge_documents(
      public.get_version(upstream.id, fork.forked_from_version) -> 'document',
      head,
      (select d.document from public.compositions as d where d.content_hash = upstream.current_hash),
      keep_edits => false
    ) as m;
end;
$$;

-- Which of some versions the head of a composition stands on, and what stands on them.
--
--   composition_id  any composition
--   versions        numbers of versions of it
--   oldest          the oldest of them that the head stands on; null: on none
--   back_to         the version before that one; null: there was none
--   later           other versions that stand on it, oldest first
--
-- Each version stands on its parent. One of the kind undo stands on the version that it brought
-- back, as if nothing had been in between: so turn after turn can be undone, and so can an undo.
--
-- Raises
--   PT404 version_not_found  one that it would have to look at was deleted for its age
--
-- Definer rights: it looks past the policies, as private.turn_versions() does.
create function private.versions_in_effect(
  composition_id uuid,
  versions       integer[],
  out oldest     integer,
  out back_to    integer,
  out later      integer[]
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  first constant integer := (select min(n.version) from unnest(versions) as n (version));
  place integer := (
    select c.current_version
      from public.user_compositions as c
     where c.id = versions_in_effect.composition_id
  );
  saved public.composition_versions;
begin
  later := '{}';
  while place >= first loop
    select v.* into saved
      from public.composition_versions as v
     where v.composition_id = versions_in_effect.composition_id
       and v.version = place;
    if not found then
      perform private.refuse_version(versions_in_effect.composition_id, place);
    end if;

    if place = any (versions) then
      oldest := place;
      back_to := saved.parent_version;
      place := saved.parent_version;
    elsif saved.kind = 'undo' then
      place := (saved.origin ->> 'version')::integer;
    else
      later := place || later;
      place := saved.parent_version;
    end if;
  end loop;
end;
$$;

-- Undo all that the caller did in a turn of an agent, or nothing of it.
--
--   turn          the turn, as origin had it
--   conversation  the conversation, as origin had it; null: only one had such a turn
--   origin        how it comes to be undone (docs/history.md); its kind is restore, whatever is sent
--   returns       {turn, compositions: [{composition_id, version, content_hash, title, updated_at}],
--                 trashed: [composition_id], layers: [{composition_id, scope, organization_id}],
--                 pins: [{context, scope, organization_id, composition_id, position}],
--                 organization_ids: [organization_id]}
--
-- Each composition that was saved in the turn gets a version with the content that it had before.
-- What was made or forked in the turn goes to the trash. Layers and pins are again as they were: a
-- pin in `pins` without a composition_id is gone. `organization_ids` are those whose members see
-- other layers or pins.
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 composition_read_only      the caller is no editor any more of what was saved
--   PT403 not_composition_owner      or no owner of what was made
--   PT403 organization_role_too_low  or no admin of an organisation whose layer or pin it was
--   PT403 quota_exceeded             there is no room for a pin that comes back
--   PT404 turn_not_found             the caller did nothing in such a turn, or longer than turn_days
--                                    ago (private.settings)
--   PT404 composition_not_found      one of the compositions is not readable any more
--   PT404 organization_not_found     or one of the organisations left
--   PT404 version_not_found          what was there before was deleted for its age
--   PT409 turn_undone                it was undone before
--   PT409 turn_overtaken             later changes stand on it, with all of them
--   PT409 not_visible_to_organization  a layer would come back to an organisation through which
--                                    the composition is not viewed any more
--   PT410 composition_trashed        one of the compositions is in the trash
--   PT422 invalid_document           a limit was lowered since what was there before was saved
--   PT422 invalid_argument           turn is null, origin is not known, or several conversations
--                                    have such a turn
--
-- What a turn did after it was undone can be undone again. So can the undo itself, by its own turn.
--
-- Definer rights: nobody may write versions, layers or pins in any other way.
create function public.undo_turn(
  turn         text,
  conversation text default null,
  origin       jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.lock_caller();
  made   jsonb := private.version_origin(
    undo_turn.origin, 'restore', jsonb_build_object('undone_turn', undo_turn.turn)
  );
  chosen text;
  locked uuid[];
  target record;
  done   jsonb[] := '{}';
begin
  if undo_turn.turn is null then
    perform private.refuse_argument('', 'turn');
  end if;
  chosen := private.turn_conversation(caller, undo_turn.turn, undo_turn.conversation);
  if (made ->> 'turn', coalesce(made ->> 'conversation', '')) = (undo_turn.turn, chosen) then
    made := made - 'turn';  -- no part of what it takes back
  end if;

  locked := private.lock_turn(caller, undo_turn.turn, chosen);
  for target in
    select t.composition_id, t.versions
      from private.turn_targets(caller, undo_turn.turn, chosen) as t
     where t.composition_id = any (locked)
     order by t.composition_id
  loop
    done := done || private.undo_versions(target.composition_id, target.versions, made);
  end loop;
  done := done || private.undo_changes(caller, undo_turn.turn, chosen, made);

  return private.turn_undone(undo_turn.turn, done);
end;
$$;

-- Take over into a fork what was changed since in the composition that it was made from: a merge of
-- both, from the version that they have in common.
--
--   composition_id  a fork that the caller may edit; to see what would become of it, may view
--   apply           whether to do it; false: say what it would do
--   on_conflict     where both changed the same: 'reject', nothing is done; 'keep', it stays there as
--                   it is in the fork
--   base_version    the head of the fork that the caller has seen; null: whatever it is
--   message         what changed, in words; null: nothing to say
--   origin          how it came to be (docs/history.md); its kind is upstream, whatever is sent
--   returns         {composition_id?, version?, content_hash?, title?, updated_at?, upstream_id,
--                   from_version, to_version, up_to_date, merged?, conflicts, patch?, sentences?}
--
--   composition_id … updated_at  the fork as it is now; only with apply
--   from_version                 the version of upstream_id that both had in common …
--   to_version                   … and the one that they have in common then, the head
--   up_to_date                   whether these are the same: then nothing is done
--   merged                       true with apply; else the document that it would be. None where the
--                                changes do not go together
--   conflicts                    where both changed the same (docs/merge.md), with the fork as head
--   patch, sentences             what would change in the fork; only without apply
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 upstream_not_found     it is no fork; or what it was made from is gone, in the trash, or
--                                not readable by the caller
--   PT404 version_not_found      the version that both have in common was deleted for its age
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT409 merge_conflict         both changed the same, with all conflicts; with 'keep', only where
--                                the changes do not go together
--   PT409 version_conflict       saved by someone since base_version was read
--   PT410 composition_trashed    in the trash
--   PT422 invalid_document       a limit was lowered since
--   PT422 invalid_argument       apply is null, the message is too long, or on_conflict or origin is
--                                not known
--
-- Definer rights: nobody may write versions in any other way.
create function public.update_from_upstream(
  composition_id uuid,
  apply          boolean default false,
  on_conflict    text default 'reject',
  base_version   integer default null,
  message        text default null,
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  made jsonb := private.version_origin(update_from_upstream.origin, 'upstream');
  fork public.user_compositions;
begin
  if apply is null then
    perform private.refuse_argument('', 'apply');
  end if;
  if on_conflict is null or on_conflict not in ('reject', 'keep') then
    perform private.refuse_choice('on_conflict', '{reject,keep}');
  end if;

  if not apply then
    return private.preview_upstream(update_from_upstream.composition_id);
  end if;

  fork := private.lock_fork(update_from_upstream.composition_id);
  if fork.current_version <> update_from_upstream.base_version then
    perform private.refuse_stale(fork, update_from_upstream.base_version);
  end if;
  return private.apply_upstream(fork, on_conflict = 'keep', made, update_from_upstream.message);
end;
$$;

-- Who may do what to the changes of a turn: nobody. undo_turn() takes them back.

revoke all on private.turn_changes from anon, authenticated, service_role;

grant execute on function
  public.undo_turn(text, text, jsonb),
  public.update_from_upstream(uuid, boolean, text, integer, text, jsonb)
to authenticated;
