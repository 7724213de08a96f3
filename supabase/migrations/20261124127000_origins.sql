-- Who made a version and how, as the caller says: which agent, in which conversation and turn.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- They get another argument.
drop function public.create_composition(text, jsonb, uuid, text, text[], text);
drop function public.fork_composition(uuid, text, uuid, integer);
drop function public.restore_version(uuid, integer, text);
drop function public.save_version(uuid, integer, jsonb, text, text);

-- What one turn of an agent made, for undo_turn().
create index composition_versions_author_id_turn_idx
  on public.composition_versions (author_id, (origin ->> 'turn'))
  where origin ? 'turn';

-- Refuse what a caller says about who made something and how.
--
--   key      the key that is wrong; null: it is no object
--   allowed  the keys that there are, or the values of the one that is wrong
--
-- Raises
--   PT422 invalid_argument  always
create function private.refuse_origin(key text default null, allowed text[] default null)
returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'origin does not say who made it and how' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'argument', 'origin',
      'key', left(refuse_origin.key, 200),
      'allowed', to_jsonb(refuse_origin.allowed)
    )),
    hint    = 'Send {"kind"?, "agent"?, "conversation"?, "turn"?}, strings of 1 to 200 characters,'
              ' or leave origin out.';
end;
$$;

-- What is stored about who made a version and how, out of what a caller says of it. The actor is no
-- part of it: author_id comes from the token.
--
--   origin   as sent: {kind?, agent?, conversation?, turn?}; null: nothing is said
--   kind     what the version is, whatever the caller says; null: the caller decides
--   facts    object: what else is known of it
--   returns  {kind, agent?, conversation?, turn?}, and the facts
--
-- Raises
--   PT422 invalid_argument  anything else, with the key that is wrong
create function private.version_origin(
  origin jsonb,
  kind   text default null,
  facts  jsonb default '{}'
) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
declare
  kinds constant text[] := '{user,agent,sync,import}';
  keys  constant text[] := '{kind,agent,conversation,turn}';
  wrong text;
begin
  if jsonb_typeof(origin) <> 'object' then
    perform private.refuse_origin();
  end if;

  select k.key into wrong
    from jsonb_object_keys(origin) as k (key)
   where k.key <> all (keys)
      or jsonb_typeof(origin -> k.key) <> 'string'
      or length(origin ->> k.key) not between 1 and 200
      or k.key = 'kind' and origin ->> 'kind' <> all (kinds)
   order by k.key
   limit 1;
  if wrong is not null then
    perform private.refuse_origin(
      wrong,
      case when wrong = 'kind' then kinds when wrong <> all (keys) then keys end
    );
  end if;

  -- Whoever names an agent, or what it did that in, says that it was one.
  return coalesce(origin, '{}')
    || jsonb_build_object('kind', coalesce(
         version_origin.kind,
         origin ->> 'kind',
         case when coalesce(origin, '{}') = '{}' then 'user' else 'agent' end
       ))
    || facts;
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
--   origin           how it came to be (docs/history.md); null: a person made it
--   returns          {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT403 quota_exceeded          the caller owns as many compositions as a person may
--   PT404 organization_not_found  absent, or the caller is no member
--   PT422 invalid_document        with every problem found, by path
--   PT422 invalid_argument        title, description, tags, message or origin break their rule
--
-- Definer rights: callers may not call private.insert_composition(), which checks them.
create function public.create_composition(
  title           text,
  document        jsonb,
  organization_id uuid default null,
  description     text default '',
  tags            text[] default '{}',
  message         text default null,
  origin          jsonb default null
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
    origin          => private.version_origin(create_composition.origin),
    message         => create_composition.message
  );
end;
$$;

-- Make a composition of the caller's own out of one they may view.
--
--   composition_id   a composition the caller may view
--   title            1 to 200 characters; null: that of the composition
--   organization_id  an organisation of the caller's that the fork belongs to; null: personal
--   version          the version whose content it starts with; null: the head
--   origin           how it came to be (docs/history.md); null: a person made it
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
--   PT422 invalid_argument        the title breaks its rule, or origin is not known
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
  version         integer default null,
  origin          jsonb default null
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
    origin              => private.version_origin(
                             fork_composition.origin,
                             facts => jsonb_build_object(
                               'forked_from', jsonb_build_object(
                                 'composition_id', source.id, 'version', chosen
                               )
                             )
                           ),
    message             => null,
    forked_from_id      => source.id,
    forked_from_version => chosen
  );
end;
$$;

-- Bring an earlier version back, as a new version. Content only: title, shares and owner stay.
--
--   composition_id  a composition the caller may edit
--   version         the version whose content comes back
--   message         why, in words; null: nothing to say
--   origin          how it came to be (docs/history.md); its kind is restore, whatever is sent
--   returns         {composition_id, version, content_hash, title, updated_at}; version is new
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version, or no longer
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT422 invalid_document       a limit was lowered since the version was saved
--   PT422 invalid_argument       the message is too long, or origin is not known
--
-- Definer rights: callers may not call private.append_version(), which checks them.
create function public.restore_version(
  composition_id uuid,
  version        integer,
  message        text default null,
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_composition_role(restore_version.composition_id, 'editor');

  return private.append_version(
    composition_id => restore_version.composition_id,
    base_version   => null,
    document       => public.get_version(
                        restore_version.composition_id, restore_version.version
                      ) -> 'document',
    kind           => 'restore',
    origin         => private.version_origin(
                        restore_version.origin,
                        'restore',
                        jsonb_build_object('version', restore_version.version)
                      ),
    message        => restore_version.message
  );
end;
$$;

-- Append a version to a composition and make it the head.
--
--   composition_id  a composition the caller may edit
--   base_version    the head the edit started from
--   document        a composition document (docs/document.md)
--   message         what changed, in words; null: nothing to say
--   on_conflict     'reject': a stale save is refused
--   origin          how it came to be (docs/history.md); null: a person made it
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
--   PT422 invalid_argument       base_version is null, the message is too long, or on_conflict or
--                                origin is not known
--
-- Definer rights: callers may not call private.append_version(), which checks them.
create function public.save_version(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  message        text default null,
  on_conflict    text default 'reject',
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if save_version.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;

  if save_version.on_conflict is distinct from 'reject' then
    raise exception 'on_conflict is not known' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'on_conflict', 'allowed', '["reject"]'::jsonb
      ),
      hint    = 'Leave on_conflict out, or send an allowed value.';
  end if;

  return private.append_version(
    composition_id => save_version.composition_id,
    base_version   => save_version.base_version,
    document       => save_version.document,
    kind           => 'save',
    origin         => private.version_origin(save_version.origin),
    message        => save_version.message
  );
end;
$$;

grant execute on function
  public.create_composition(text, jsonb, uuid, text, text[], text, jsonb),
  public.fork_composition(uuid, text, uuid, integer, jsonb),
  public.restore_version(uuid, integer, text, jsonb),
  public.save_version(uuid, integer, jsonb, text, text, jsonb)
to authenticated;
