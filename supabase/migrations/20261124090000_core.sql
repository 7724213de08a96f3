-- Organisations, the content store, compositions with their versions, and shares.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Closed until opened: what a new object grants before anyone says so.
--
-- A project made before October 2026 grants every new table, sequence and function of schema
-- public to anon, authenticated and service_role; a newer one grants the tables' lesser rights
-- only; both let PUBLIC execute every new function. After this file both start from nothing, and
-- supabase/policies opens what is meant to be open, by name.

alter default privileges revoke execute on functions from public;

alter default privileges in schema public
  revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public
  revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public
  revoke all on functions from anon, authenticated, service_role;

-- Helpers, settings and queues. PostgREST does not serve this schema; policies that run as the
-- caller do reach the helpers that policies/routines.sql names.
create schema private;

grant usage on schema private to authenticated;

-- The limits, as rows an operator can change without a migration.
create table private.settings (
  name        text   not null,
  value       bigint not null,
  description text   not null,

  constraint settings_pkey primary key (name),
  constraint settings_value_positive check (value > 0)
);

alter table private.settings enable row level security;

insert into private.settings (name, value, description)
values
  ('max_document_bytes', 1048576, 'Bytes of a document as canonical text'),
  ('max_document_depth', 64, 'Levels of nesting in a document'),
  ('max_components', 5000, 'Components in a document'),
  ('max_number', 1000000000000000, 'Largest magnitude of a number; its inverse is the smallest'),
  ('max_compositions_per_person', 10000, 'Compositions that one person may own');

-- An organisation: people who share compositions. Its members are in organization_members.
create table public.organizations (
  id         uuid        not null default gen_random_uuid(),
  name       text        not null,
  created_at timestamptz not null default now(),

  constraint organizations_pkey primary key (id),
  constraint organizations_name_length check (length(name) <= 200 and name ~ '\S')
);

comment on constraint organizations_name_length on public.organizations is
  'The name of an organisation has 1 to 200 characters, not all of them blank.';

-- As on user_compositions: no guesses about what others have.
alter table public.organizations alter column name set statistics 0;

alter table public.organizations enable row level security;

-- Who belongs to an organisation. Each organisation has at least one owner: the functions that
-- change a membership keep that, one at a time, under a lock on the organisation's row.
create table public.organization_members (
  organization_id uuid        not null,
  user_id         uuid        not null,
  role            text        not null,
  created_at      timestamptz not null default now(),

  constraint organization_members_pkey primary key (organization_id, user_id),
  constraint organization_members_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint organization_members_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint organization_members_role_known check (role in ('owner', 'admin', 'member'))
);

comment on constraint organization_members_role_known on public.organization_members is
  'A member is an owner, an admin or a member.';

create index organization_members_user_id_idx on public.organization_members (user_id);

alter table public.organization_members enable row level security;

-- The content store: every document once, by the hash of its canonical text. A row has no owner;
-- who may read it follows from the versions that point to it. It carries no time of its own
-- either: that would tell a person that somebody else saved the same content before.
create table public.compositions (
  content_hash bytea not null,
  document     jsonb not null,

  constraint compositions_pkey primary key (content_hash),
  constraint compositions_content_hash_length check (octet_length(content_hash) = 32)
);

alter table public.compositions enable row level security;

-- A composition: a name, an owner, and the head of a history. What it looks like is in its
-- versions; what it is called and who may see it is here, so restoring content moves no permission.
create table public.user_compositions (
  id              uuid        not null default gen_random_uuid(),
  owner_id        uuid        not null,
  organization_id uuid,                            -- null: personal
  title           text        not null,
  description     text        not null default '',
  tags            text[]      not null default '{}',
  current_version integer     not null default 0,  -- 0: nothing saved yet
  current_hash    bytea,                           -- null: nothing saved yet
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default clock_timestamp(),

  constraint user_compositions_pkey primary key (id),
  constraint user_compositions_owner_id_fkey
    foreign key (owner_id) references auth.users (id) on delete cascade,
  constraint user_compositions_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete restrict,
  constraint user_compositions_current_hash_fkey
    foreign key (current_hash) references public.compositions (content_hash),
  constraint user_compositions_title_length check (length(title) <= 200 and title ~ '\S'),
  constraint user_compositions_description_length check (length(description) <= 2000),
  constraint user_compositions_tags_valid check (
    case
      when tags = '{}' then true
      when array_ndims(tags) > 1 or array_lower(tags, 1) <> 1 then false
      else
        cardinality(tags) <= 20
        and array_position(tags, null) is null
        and '' <> all (tags)
        and length(array_to_string(tags, '')) <= 1000
    end
  ),
  constraint user_compositions_head_complete
    check ((current_version = 0) = (current_hash is null) and current_version >= 0)
);

comment on constraint user_compositions_title_length on public.user_compositions is
  'A title has 1 to 200 characters, not all of them blank.';
comment on constraint user_compositions_description_length on public.user_compositions is
  'A description has at most 2000 characters.';
comment on constraint user_compositions_tags_valid on public.user_compositions is
  'A flat list of at most 20 tags, none null or empty, together at most 1000 characters.';

-- The planner's guesses are public (PostgREST's count=planned), row level security or not. Without
-- statistics it has none about a title or a content that somebody looks for.
alter table public.user_compositions
  alter column title set statistics 0,
  alter column description set statistics 0,
  alter column current_hash set statistics 0;

-- Newest first, by owner and by organisation: the order in which lists are paged.
create index user_compositions_owner_id_updated_at_id_idx
  on public.user_compositions (owner_id, updated_at desc, id desc);
create index user_compositions_organization_id_updated_at_id_idx
  on public.user_compositions (organization_id, updated_at desc, id desc);
create index user_compositions_current_hash_idx on public.user_compositions (current_hash);

alter table public.user_compositions enable row level security;

-- One saved state of a composition. Never changed once inserted, which is what makes
-- (composition_id, version) a safe cache key.
create table public.composition_versions (
  composition_id uuid        not null,
  version        integer     not null,
  content_hash   bytea       not null,
  parent_version integer,                          -- null: the first
  kind           text        not null,
  author_id      uuid        default auth.uid(),   -- null: the account is gone
  origin         jsonb       not null,             -- who made it and how: {"kind": …}
  message        text,
  created_at     timestamptz not null default clock_timestamp(),

  constraint composition_versions_pkey primary key (composition_id, version),
  constraint composition_versions_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint composition_versions_content_hash_fkey
    foreign key (content_hash) references public.compositions (content_hash),
  constraint composition_versions_author_id_fkey
    foreign key (author_id) references auth.users (id) on delete set null,
  constraint composition_versions_version_positive check (version > 0),
  constraint composition_versions_parent_version_older
    check (parent_version between 1 and version - 1),
  constraint composition_versions_kind_known check (kind in ('create', 'save', 'restore')),
  constraint composition_versions_message_length check (length(message) <= 1000)
);

comment on constraint composition_versions_message_length on public.composition_versions is
  'A message has at most 1000 characters.';

-- As on user_compositions: no guesses about what others have.
alter table public.composition_versions
  alter column content_hash set statistics 0,
  alter column message set statistics 0;

create index composition_versions_content_hash_idx on public.composition_versions (content_hash);
create index composition_versions_author_id_idx on public.composition_versions (author_id);

alter table public.composition_versions enable row level security;

-- A grant on a composition to one person or one organisation.
create table public.shared_compositions (
  id              uuid        not null default gen_random_uuid(),
  composition_id  uuid        not null,
  user_id         uuid,
  organization_id uuid,
  role            text        not null,
  expires_at      timestamptz,                     -- null: until revoked
  created_by      uuid        default auth.uid(),  -- null: the account is gone
  created_at      timestamptz not null default now(),

  constraint shared_compositions_pkey primary key (id),
  constraint shared_compositions_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint shared_compositions_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint shared_compositions_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint shared_compositions_created_by_fkey
    foreign key (created_by) references auth.users (id) on delete set null,
  constraint shared_compositions_grantee_once
    unique nulls not distinct (composition_id, user_id, organization_id),
  constraint shared_compositions_one_grantee check (num_nonnulls(user_id, organization_id) = 1),
  constraint shared_compositions_role_known check (role in ('viewer', 'editor'))
);

comment on constraint shared_compositions_one_grantee on public.shared_compositions is
  'A share names one grantee: user_id or organization_id.';
comment on constraint shared_compositions_role_known on public.shared_compositions is
  'A share makes its grantee a viewer or an editor.';

create index shared_compositions_user_id_idx on public.shared_compositions (user_id);
create index shared_compositions_organization_id_idx
  on public.shared_compositions (organization_id);
create index shared_compositions_created_by_idx on public.shared_compositions (created_by);

alter table public.shared_compositions enable row level security;

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
create function private.append_version(
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

  return jsonb_build_object(
    'composition_id', head.id,
    'version', head.current_version,
    'content_hash', encode(hash, 'hex'),
    'title', head.title,
    'updated_at', head.updated_at
  );
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;

-- The person who calls, from their token.
--
--   returns  the id of an account
--
-- Raises
--   PT401 not_signed_in  the token names nobody
create function private.caller_id() returns uuid
language plpgsql stable
set search_path = ''
as $$
declare
  caller uuid := auth.uid();
begin
  if caller is null then
    raise exception 'this needs a signed-in person' using
      errcode = 'PT401',
      detail  = jsonb_build_object('code', 'not_signed_in'),
      hint    = 'Sign in, and send the access token as Authorization: Bearer.';
  end if;
  return caller;
end;
$$;

-- Delete an organisation that its last member has left, and what was in it.
--
--   organization_id  an organisation locked by the caller; kept if it has members
--
-- Definer rights: nobody may delete an organisation in any other way.
create function private.close_organization(organization_id uuid) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if not exists (
    select from public.organization_members as m
     where m.organization_id = close_organization.organization_id
  ) then
    delete from public.user_compositions as c
     where c.organization_id = close_organization.organization_id;
    delete from public.organizations as o
     where o.id = close_organization.organization_id;
  end if;
end;
$$;

-- What the caller may do with a composition. The policies on user_compositions say the same for
-- whole lists; this answers for one composition, in a few index look-ups.
--
--   composition_id  any id
--   returns         'owner', 'editor', 'viewer', or null: it does not exist for the caller
--
-- An organisation's owners and admins own its compositions, its members view them.
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.composition_role(composition_id uuid) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := auth.uid();
begin
  return (
    select case max(held.rank) when 3 then 'owner' when 2 then 'editor' when 1 then 'viewer' end
      from (
        select 3 as rank
          from public.user_compositions as c
         where c.id = composition_role.composition_id
           and c.owner_id = caller
        union all
        select case when m.role in ('owner', 'admin') then 3 else 1 end
          from public.user_compositions as c
          join public.organization_members as m
            on m.organization_id = c.organization_id and m.user_id = caller
         where c.id = composition_role.composition_id
        union all
        select case s.role when 'editor' then 2 else 1 end
          from public.shared_compositions as s
         where s.composition_id = composition_role.composition_id
           and (s.expires_at is null or s.expires_at > now())
           and (
             s.user_id = caller
             or exists (
               select from public.organization_members as m
                where m.organization_id = s.organization_id and m.user_id = caller
             )
           )
      ) as held
  );
end;
$$;

-- A composition as answers show it, without its document.
--
--   composition  a row of user_compositions that the caller may read
--   role         the caller's role on it
--   returns      {composition_id, title, description, tags, owner_id, organization_id, role,
--                version, content_hash, etag, updated_at}; etag changes whenever any of the
--                others or the document does
create function private.composition_summary(composition public.user_compositions, role text)
returns jsonb
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
    'updated_at', composition.updated_at
  );
begin
  return summary
    || jsonb_build_object('etag', left(encode(private.content_hash(summary), 'hex'), 32));
end;
$$;

-- The name of a document's content: SHA-256 (FIPS 180-4) of its canonical text, which is what
-- jsonb prints (keys sorted, no duplicates, one spelling of white space).
--
--   returns  32 bytes
create function private.content_hash(document jsonb) returns bytea
language sql immutable
set search_path = ''
as $$
  select sha256(convert_to(content_hash.document::text, 'UTF8'));
$$;

-- Everything that is wrong with a document: the one validator.
--
--   document  any jsonb, or null
--   returns   array of problems, at most 100, empty when it is valid
create function private.document_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := private.limit_problems(document);
begin
  if problems = '[]' then
    problems := private.envelope_problems(document);
  end if;
  return problems;
end;
$$;

-- End a membership. With its last member an organisation is deleted, and what was in it.
--
--   member   the row, of an organisation locked by private.lock_organization()
--   returns  the membership that ended: {organization_id, user_id, role, created_at}
--
-- Raises
--   PT409 last_owner  the organisation would be without an owner
--
-- Definer rights: nobody may write members in any other way.
create function private.end_membership(member public.organization_members) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if member.role = 'owner' and exists (
    select from public.organization_members as m
     where m.organization_id = member.organization_id and m.user_id <> member.user_id
  ) then
    perform private.require_other_owner(member.organization_id, member.user_id);
  end if;

  delete from public.organization_members as m
   where m.organization_id = member.organization_id
     and m.user_id = member.user_id;

  perform private.close_organization(member.organization_id);
  return private.member_summary(member);
end;
$$;

-- What is wrong with the outermost level of a document: its keys, and the types of their values.
--
--   document  jsonb within the limits
--   returns   array of problems, at most 100, empty when there are none
create function private.envelope_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  dialects constant text[] := '{a2ui/0.9.1,json-render/1,json}';
  is_json  constant boolean := document ->> 'dialect' = 'json';
  required constant text[] :=
    case when is_json then '{format,dialect,body}' else '{format,dialect,root,components}' end;
  allowed  constant text[] := required || '{data,sources,parameters,ext}'::text[];
  problems jsonb;
begin
  if jsonb_typeof(document) is distinct from 'object' then
    return jsonb_build_array(
      private.problem('wrong_type', '', 'a document is an object', 'object')
    );
  end if;

  select jsonb_agg(found.problem order by found.path)
    into problems
    from (
      select '/format' as path, private.problem(
               'unknown_format', '/format', 'the format is not known', null, '{composition/1}'
             ) as problem
       where document -> 'format' is distinct from '"composition/1"'
      union all
      select '/dialect', private.problem(
               'unknown_dialect', '/dialect', 'the dialect is not known', null, dialects
             )
       where jsonb_typeof(document -> 'dialect') is distinct from 'string'
          or document ->> 'dialect' <> all (dialects)
      union all
      select k.path, case
               when k.name <> all (allowed) then private.problem(
                 'unknown_key', k.path, 'a document has no such key', null, allowed
               )
               else private.problem(
                 'wrong_type', k.path, 'the value has the wrong type', k.expected
               )
             end
        from (
          select e.key as name,
                 -- Cut: a path is for finding the place, not for sending the document back.
                 left('/' || replace(replace(e.key, '~', '~0'), '/', '~1'), 200) as path,
                 case when e.key = 'root' then 'string' else 'object' end as expected,
                 jsonb_typeof(e.value) as type
            from jsonb_each(document) as e
           where e.key not in ('format', 'dialect')
        ) as k
       where k.name <> all (allowed) or k.type <> k.expected
      union all
      select '/' || r.name, case
               when r.name = 'root' then private.problem(
                 'missing_root', '/root', 'the document names no root', 'the id of a component'
               )
               else private.problem(
                 'wrong_type', '/' || r.name, 'the value is missing', 'object'
               )
             end
        from unnest(required) as r (name)
       where r.name not in ('format', 'dialect') and not document ? r.name
      union all
      select '/root', private.problem(
               'missing_root', '/root', 'root names no component', 'the id of a component'
             )
       where jsonb_typeof(document -> 'root') = 'string'
         and jsonb_typeof(document -> 'components') = 'object'
         and not is_json
         and not document -> 'components' ? (document ->> 'root')
      union all
      select '/components', private.problem(
               'too_large', '/components', 'the document has too many components',
               format('at most %s components', private.setting('max_components'))
             )
       where jsonb_typeof(document -> 'components') = 'object'
         and (select count(*) from jsonb_object_keys(document -> 'components'))
             > private.setting('max_components')
      limit 100
    ) as found;

  return coalesce(problems, '[]');
end;
$$;

-- End the memberships of an account before it is deleted: an organisation's work passes to those
-- who stay (private.hand_over_compositions()), who get an owner if they have none left; an
-- organisation without members goes, and what was in it. All else that is theirs goes by cascade,
-- which comes after this.
--
-- Definer rights: whoever deletes an account need not be a member.
create function private.forget_account() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  left_id uuid;
  heir    uuid;
begin
  for left_id in
    select m.organization_id
      from public.organization_members as m
     where m.user_id = old.id
     order by m.organization_id
  loop
    perform from public.organizations as o where o.id = left_id for no key update;

    delete from public.organization_members as m
     where m.organization_id = left_id and m.user_id = old.id;

    heir := private.organization_heir(left_id);
    update public.organization_members as m
       set role = 'owner'
     where m.organization_id = left_id and m.user_id = heir;

    perform private.close_organization(left_id);
  end loop;
  return old;
end;
$$;

create trigger users_forget_account
  before delete on auth.users
  for each row execute function private.forget_account();

-- Keep an organisation's work in the organisation: when a membership ends, however it ends, the
-- compositions that the person owned there pass to private.organization_heir().
--
-- Definer rights: nobody may change an owner in any other way.
create function private.hand_over_compositions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  heir uuid := private.organization_heir(old.organization_id);
begin
  if heir is not null then
    update public.user_compositions as c
       set owner_id = heir
     where c.organization_id = old.organization_id
       and c.owner_id = old.user_id;
  end if;
  return null;
end;
$$;

create trigger organization_members_hand_over
  after delete on public.organization_members
  for each row execute function private.hand_over_compositions();

-- What makes a value too dangerous to look at any closer.
--
--   document  any jsonb
--   returns   array of problems, empty when it is within the limits
--
-- The order is the point. A few kilobytes such as [1e131071, …] print as gigabytes, so nothing may
-- turn the value into text before its numbers are known to be small; and nothing may walk it that
-- grows faster than its size. Jsonb takes at most four times the bytes of its text ([0,0,…]),
-- which bounds the work before any of it starts.
create function private.limit_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  max_bytes  constant bigint := private.setting('max_document_bytes');
  max_depth  constant bigint := private.setting('max_document_depth');
  max_number constant bigint := private.setting('max_number');
  max_zero_scale constant integer := 15;
  problems   jsonb := '[]';
begin
  if pg_column_size(document) > 4 * max_bytes then
    return jsonb_build_array(private.problem(
      'too_large', '', 'the document is too large', format('at most %s bytes of text', max_bytes)
    ));
  end if;

  -- A zero has a size too, if not a magnitude: 0e-16383 prints as sixteen thousand digits.
  if jsonb_path_exists(
    document,
    'strict $.** ? (
       @.type() == "number"
       && !(@ >= $least && @ <= $most || @ == 0 || @ <= -$least && @ >= -$most)
     )',
    jsonb_build_object('most', max_number, 'least', 1::numeric / max_number)
  ) or exists (
    select
      from jsonb_array_elements(jsonb_path_query_array(document, 'strict $.** ? (@ == 0)')) as z
     where scale(z::numeric) > max_zero_scale
  ) then
    problems := problems || private.problem(
      'number_out_of_range', '', 'a number is too large, or too close to zero',
      format('0, or a magnitude from 1/%s to %s', max_number, max_number)
    );
  end if;

  if jsonb_path_exists(document, format('strict $.**{%s}', max_depth + 1)::jsonpath) then
    problems := problems || private.problem(
      'too_deep', '', 'the document is nested too deeply', format('at most %s levels', max_depth)
    );
  end if;

  if problems = '[]' and octet_length(document::text) > max_bytes then
    problems := problems || private.problem(
      'too_large', '', 'the document is too large', format('at most %s bytes of text', max_bytes)
    );
  end if;

  return problems;
end;
$$;

-- The person who calls, held until the end of the transaction, for what is written in their name:
-- their account cannot be deleted meanwhile, and whoever deletes it first has it gone here.
--
--   returns  the id of an account
--
-- Raises
--   PT401 not_signed_in      the token names nobody
--   PT401 account_not_found  the account of the token is gone
--
-- Locks are taken in one order everywhere, so that nobody waits in a circle: accounts, then
-- organisations, memberships, compositions.
--
-- Definer rights: callers have no access to accounts.
create function private.lock_caller() returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
begin
  perform from auth.users as u where u.id = caller for key share;
  if not found then
    raise exception 'the account of this token is gone' using
      errcode = 'PT401',
      detail  = jsonb_build_object('code', 'account_not_found'),
      hint    = 'Sign in with an account that exists.';
  end if;
  return caller;
end;
$$;

-- Take a composition for a change, after everyone who came first.
--
--   composition_id  any id
--   required        'viewer', 'editor' or 'owner': this role or a higher one
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
create function private.lock_composition(composition_id uuid, required text)
returns public.user_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid;
  locked public.user_compositions;
begin
  perform private.require_composition_role(lock_composition.composition_id, required);
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

  perform private.require_composition_role(lock_composition.composition_id, required);
  return locked;
end;
$$;

-- Take an organisation for a change of its members, after everyone who came first: so that two
-- owners who leave at once cannot both believe that the other one stays.
--
--   organization_id  any id
--   required         'member', 'admin' or 'owner': this role or a higher one
--   returns          the role that the caller has
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT404 organization_not_found  absent, or the caller is no member
--   PT403 organization_role_too_low  a member, of a lower role than required
--
-- Definer rights: callers may not lock rows. The membership is asked before the lock, so that a
-- stranger cannot hold anyone up, and again after it.
create function private.lock_organization(organization_id uuid, required text) returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  held text;
begin
  perform private.require_organization_role(lock_organization.organization_id, required);
  perform private.lock_caller();

  perform from public.organizations as o
    where o.id = lock_organization.organization_id
      for no key update;

  held := private.require_organization_role(lock_organization.organization_id, required);
  return held;
end;
$$;

-- A membership as answers show it.
--
--   member   a row of organization_members that the caller may read
--   returns  {organization_id, user_id, role, created_at}
create function private.member_summary(member public.organization_members) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'organization_id', member.organization_id,
    'user_id', member.user_id,
    'role', member.role,
    'created_at', member.created_at
  );
$$;

-- The organisations in which the caller is an owner or an admin, for policies.
--
--   returns  ids, empty when there are none
--
-- Definer rights: the policy on organization_members itself asks this.
create function private.my_administered_organization_ids() returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return array(
    select m.organization_id
      from public.organization_members as m
     where m.user_id = (select auth.uid())
       and m.role in ('owner', 'admin')
  );
end;
$$;

-- The organisations that the caller belongs to: one array a statement, for policies.
--
--   returns  ids, empty when there are none
--
-- Definer rights: the policy on organization_members itself asks this.
create function private.my_organization_ids() returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return array(
    select m.organization_id
      from public.organization_members as m
     where m.user_id = (select auth.uid())
  );
end;
$$;

-- Who takes over in an organisation: its longest-standing owner; failing that, admin, then member.
--
--   organization_id  an organisation locked by the caller
--   returns          the id of a member, or null: there is none
--
-- An account that is just being deleted is passed over if there is another one: waiting for it
-- could be waiting in a circle.
--
-- Definer rights: it must see all members.
create function private.organization_heir(organization_id uuid) returns uuid
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
   order by array_position(ranks, m.role), m.created_at, m.user_id
   limit 1
     for key share of u skip locked;

  if heir is null then
    select m.user_id into heir
      from public.organization_members as m
     where m.organization_id = organization_heir.organization_id
     order by array_position(ranks, m.role), m.created_at, m.user_id
     limit 1;
  end if;
  return heir;
end;
$$;

-- One problem of a document.
--
--   code      stable, for programs
--   path      JSON Pointer (RFC 6901) to where it is, components by id; '' is the whole document
--   message   for people
--   expected  what should stand there instead, if that is one thing
--   allowed   what may stand there, if it is a choice
--   returns   {code, path, message, expected?, allowed?}
create function private.problem(
  code     text,
  path     text,
  message  text,
  expected text default null,
  allowed  text[] default null
) returns jsonb
language sql immutable
set search_path = ''
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'code', problem.code,
    'path', problem.path,
    'message', problem.message,
    'expected', problem.expected,
    'allowed', to_jsonb(problem.allowed)
  ));
$$;

-- Turn a broken constraint into the answer a caller can act on. The rule stands once, in the
-- table; its comment is the sentence people read.
--
--   broken    name of the check constraint, empty if it was not null
--   argument  name of the column that must not be null, empty otherwise
--
-- Raises
--   PT422 invalid_argument  always, with the constraint or the argument
create function private.refuse_argument(broken text, argument text default '') returns void
language plpgsql stable
set search_path = ''
as $$
declare
  rule text := coalesce(
    (select d.description
       from pg_catalog.pg_constraint as k
       join pg_catalog.pg_description as d
         on d.objoid = k.oid and d.classoid = 'pg_catalog.pg_constraint'::regclass
      where k.conname = refuse_argument.broken
        and k.connamespace = 'public'::regnamespace),
    refuse_argument.argument || ' must not be null.'
  );
begin
  raise exception '%', rule using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'constraint', nullif(refuse_argument.broken, ''),
      'argument', nullif(refuse_argument.argument, '')
    )),
    hint    = 'Correct the argument and call again.';
end;
$$;

-- Refuse a cursor that no page handed out.
--
-- Raises
--   PT422 invalid_cursor  always
create function private.refuse_cursor() returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'after is no cursor of this list' using
    errcode = 'PT422',
    detail  = jsonb_build_object('code', 'invalid_cursor', 'argument', 'after'),
    hint    = 'Send the value of next from the page before, or null for the first page.';
end;
$$;

-- Refuse an id that is no account's.
--
--   user_id  the id
--
-- Raises
--   PT404 user_not_found  always
create function private.refuse_unknown_user(user_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'user % not found', user_id using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'user_not_found'),
    hint    = 'Check the id: it is the sub claim of that person''s token.';
end;
$$;

-- Refuse unless the caller has a role on a composition.
--
--   composition_id  any id
--   required        'viewer', 'editor' or 'owner': this role or a higher one
--   returns         the role that the caller has
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT403 not_composition_owner  readable, but the caller is no owner
create function private.require_composition_role(composition_id uuid, required text) returns text
language plpgsql stable
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

  return held;
end;
$$;

-- The membership of a person in an organisation.
--
--   organization_id  an organisation that the caller may manage
--   user_id          any id
--   returns          the row
--
-- Raises
--   PT404 member_not_found  the person is no member
--
-- Definer rights: it must see all members.
create function private.require_member(organization_id uuid, user_id uuid)
returns public.organization_members
language plpgsql stable security definer
set search_path = ''
as $$
declare
  member public.organization_members;
begin
  select m.* into member
    from public.organization_members as m
   where m.organization_id = require_member.organization_id
     and m.user_id = require_member.user_id;

  if member.user_id is null then
    raise exception 'user % is no member', require_member.user_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'member_not_found'),
      hint    = 'Pick one of the rows of organization_members.';
  end if;
  return member;
end;
$$;

-- Refuse unless the caller has a role in an organisation.
--
--   organization_id  any id
--   required         'member', 'admin' or 'owner': this role or a higher one
--   returns          the role that the caller has
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, of a lower role than required
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.require_organization_role(organization_id uuid, required text) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  ranks  constant text[] := '{member,admin,owner}';
  caller constant uuid := private.caller_id();
  held   text;
begin
  select m.role into held
    from public.organization_members as m
   where m.organization_id = require_organization_role.organization_id
     and m.user_id = caller;

  if held is null then
    raise exception 'organisation % not found', require_organization_role.organization_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'organization_not_found'),
      hint    = 'Check the id, or ask an owner of it to add you.';
  end if;

  if array_position(ranks, held) < array_position(ranks, required) then
    raise exception 'this needs the role % in organisation %, not %',
      required, require_organization_role.organization_id, held using
      errcode = 'PT403',
      detail  = jsonb_build_object(
        'code', 'organization_role_too_low', 'role', held, 'required', required
      ),
      hint    = 'Ask a member with that role to do it.';
  end if;

  return held;
end;
$$;

-- Refuse if nobody but this person owns an organisation.
--
--   organization_id  an organisation, locked by private.lock_organization()
--   user_id          who is about to stop being an owner
--
-- Raises
--   PT409 last_owner  there is no other owner
--
-- Definer rights: it must see all members.
create function private.require_other_owner(organization_id uuid, user_id uuid) returns void
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if not exists (
    select from public.organization_members as m
     where m.organization_id = require_other_owner.organization_id
       and m.user_id <> require_other_owner.user_id
       and m.role = 'owner'
  ) then
    raise exception 'organisation % would be without an owner',
      require_other_owner.organization_id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'last_owner'),
      hint    = 'Make someone else an owner first.';
  end if;
end;
$$;

-- Refuse unless a document is valid.
--
--   document  any jsonb, or null
--
-- Raises
--   PT422 invalid_document  with every problem found, by path
create function private.require_valid_document(document jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := private.document_problems(document);
begin
  if problems <> '[]' then
    raise exception 'the document has % problem(s)', jsonb_array_length(problems) using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_document', 'problems', problems),
      hint    = 'Correct what problems lists, each at its path, and send the whole document again.';
  end if;
end;
$$;

-- Check how many rows a page may have.
--
--   row_limit  what the caller asked for
--   returns    the same number
--
-- Raises
--   PT422 invalid_argument  null, or not from 1 to 200
create function private.row_limit(row_limit integer) returns integer
language plpgsql immutable
set search_path = ''
as $$
begin
  if row_limit.row_limit between 1 and 200 then
    return row_limit.row_limit;
  end if;
  raise exception 'row_limit is from 1 to 200, not %', row_limit.row_limit using
    errcode = 'PT422',
    detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'row_limit'),
    hint    = 'Ask for 1 to 200 rows, and for the next page with the cursor in next.';
end;
$$;

-- The value of a setting.
--
--   name     a row of private.settings
--   returns  its value, in the unit that its description names
--
-- Definer rights: callers have no access to the settings.
create function private.setting(name text) returns bigint
language sql stable security definer
set search_path = ''
as $$
  select s.value from private.settings as s where s.name = setting.name;
$$;

-- A share as answers show it.
--
--   share    a row of shared_compositions that the caller may read
--   returns  {composition_id, user_id, organization_id, role, expires_at, created_by, created_at}
create function private.share_summary(share public.shared_compositions) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'composition_id', share.composition_id,
    'user_id', share.user_id,
    'organization_id', share.organization_id,
    'role', share.role,
    'expires_at', share.expires_at,
    'created_by', share.created_by,
    'created_at', share.created_at
  );
$$;

-- The compositions that are shared with the caller, in person or through an organisation, for
-- policies.
--
--   roles    the roles that count
--   returns  ids, empty when there are none
--
-- Definer rights: shares and compositions have policies that read each other, which recurses
-- (42P17) unless one of them looks past the policies.
create function private.shared_with_me_ids(roles text[] default '{viewer,editor}') returns uuid[]
language plpgsql stable security definer
set search_path = ''
as $$
declare
  -- In variables, so that the plan is for this caller and not for the one with the most shares.
  caller        constant uuid   := auth.uid();
  organizations constant uuid[] := private.my_organization_ids();
begin
  return array(
    select s.composition_id
      from public.shared_compositions as s
     where s.user_id = caller
       and s.role = any (shared_with_me_ids.roles)
       and (s.expires_at is null or s.expires_at > now())
    union
    select s.composition_id
      from public.shared_compositions as s
     where s.organization_id = any (organizations)
       and s.role = any (shared_with_me_ids.roles)
       and (s.expires_at is null or s.expires_at > now())
  );
end;
$$;

-- Put a document into the content store, once.
--
--   document  a valid document
--   returns   its content_hash
--
-- Definer rights: nobody may write content in any other way.
create function private.store_document(document jsonb) returns bytea
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hash bytea := private.content_hash(store_document.document);
begin
  insert into public.compositions (content_hash, document)
  values (hash, store_document.document)
  on conflict do nothing;
  return hash;
end;
$$;

-- Stamp a composition when its head or its metadata changes. The time is the clock's, not the
-- transaction's: a writer that waited for another one is the later of the two.
--
-- A client that changes the table itself is asked for its role once more: the policy was evaluated
-- before the row was locked, and whoever held it may have been taking the role away. As with any
-- row that a policy hides, there is then nothing to update, and no error.
create function private.touch_composition() returns trigger
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

create trigger user_compositions_touch
  before update of title, description, tags, current_version on public.user_compositions
  for each row execute function private.touch_composition();

-- A version as answers show it, without its document.
--
--   version  a row of composition_versions that the caller may read
--   returns  {composition_id, version, content_hash, parent_version, kind, author_id, origin,
--            message, created_at}
create function private.version_summary(version public.composition_versions) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'composition_id', version.composition_id,
    'version', version.version,
    'content_hash', encode(version.content_hash, 'hex'),
    'parent_version', version.parent_version,
    'kind', version.kind,
    'author_id', version.author_id,
    'origin', version.origin,
    'message', version.message,
    'created_at', version.created_at
  );
$$;

-- Add a person to an organisation.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   user_id          the person
--   role             'member'; an owner may also add an 'admin' or an 'owner'
--   returns          {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 user_not_found             there is no such account
--   PT403 organization_role_too_low  a member, of a lower role than this needs
--   PT409 already_member             use set_organization_role()
--   PT422 invalid_argument           no such role
--
-- Definer rights: nobody may write members in any other way.
create function public.add_organization_member(
  organization_id uuid,
  user_id         uuid,
  role            text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  member   public.organization_members;
  broken   text;
  argument text;
begin
  perform private.lock_organization(
    add_organization_member.organization_id,
    case when add_organization_member.role in ('owner', 'admin') then 'owner' else 'admin' end
  );

  insert into public.organization_members as m (organization_id, user_id, role)
  values (add_organization_member.organization_id, add_organization_member.user_id,
          add_organization_member.role)
  returning m.* into member;

  return private.member_summary(member);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
  when foreign_key_violation then
    perform private.refuse_unknown_user(add_organization_member.user_id);
  when unique_violation then
    raise exception 'user % is a member already', add_organization_member.user_id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'already_member'),
      hint    = 'Change the role with set_organization_role().';
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
-- Definer rights: nobody may insert a composition in any other way.
create function public.create_composition(
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
declare
  caller   constant uuid := private.lock_caller();
  quota    constant bigint := private.setting('max_compositions_per_person');
  id       uuid;
  broken   text;
  argument text;
begin
  if create_composition.organization_id is not null then
    perform private.require_organization_role(create_composition.organization_id, 'member');

    -- Held until the end: who is being removed meanwhile leaves this composition behind, too.
    perform from public.organization_members as m
      where m.organization_id = create_composition.organization_id and m.user_id = caller
        for key share;
    -- Again: who has been removed while this waited is refused.
    perform private.require_organization_role(create_composition.organization_id, 'member');
  end if;

  -- One at a time a person, or several at once would each find room for the last one.
  perform pg_advisory_xact_lock(hashtextextended(caller::text, 0));
  if quota <= (select count(*) from public.user_compositions as c where c.owner_id = caller) then
    raise exception 'you own % compositions, which is all a person may', quota using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'quota_exceeded', 'quota', quota),
      hint    = 'Delete compositions that are no longer needed.';
  end if;

  insert into public.user_compositions as c (owner_id, organization_id, title, description, tags)
  values (caller, create_composition.organization_id, create_composition.title,
          coalesce(create_composition.description, ''), coalesce(create_composition.tags, '{}'))
  returning c.id into id;

  return private.append_version(
    composition_id => id,
    base_version   => 0,
    document       => create_composition.document,
    kind           => 'create',
    origin         => '{"kind": "user"}',
    message        => create_composition.message
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;

-- Create an organisation, with the caller as its owner.
--
--   name     1 to 200 characters
--   returns  {organization_id, name, role: 'owner', created_at}
--
-- Raises
--   PT401 not_signed_in      the token names nobody
--   PT401 account_not_found  the account of the token is gone
--   PT422 invalid_argument   the name breaks its rule
--
-- Definer rights: nobody may write organisations or members in any other way.
create function public.create_organization(name text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.lock_caller();
  created  public.organizations;
  broken   text;
  argument text;
begin
  insert into public.organizations as o (name)
  values (create_organization.name)
  returning o.* into created;

  insert into public.organization_members (organization_id, user_id, role)
  values (created.id, caller, 'owner');

  return jsonb_build_object(
    'organization_id', created.id,
    'name', created.name,
    'role', 'owner',
    'created_at', created.created_at
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;

-- Get one version of a composition, with its document.
--
--   composition_id  a composition the caller may view
--   version         1, 2, 3 …
--   returns         {composition_id, version, content_hash, parent_version, kind, author_id,
--                   origin, message, created_at, document}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version
--
-- Definer rights: as load_composition().
create function public.get_version(composition_id uuid, version integer) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  found jsonb;
begin
  perform private.require_composition_role(get_version.composition_id, 'viewer');

  select jsonb_set(private.version_summary(v), '{document}', d.document)
    into found
    from public.composition_versions as v
    join public.compositions as d on d.content_hash = v.content_hash
   where v.composition_id = get_version.composition_id
     and v.version = get_version.version;

  if found is null then
    raise exception 'composition % has no version %', get_version.composition_id,
      get_version.version using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'version_not_found'),
      hint    = 'Pick one that list_versions() returns.';
  end if;
  return found;
end;
$$;

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
create function public.leave_organization(organization_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.lock_organization(leave_organization.organization_id, 'member');
  return private.end_membership(
    private.require_member(leave_organization.organization_id, private.caller_id())
  );
end;
$$;

-- List what the caller may view, last changed first: their own, their organisations', and what is
-- shared with them.
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
create function public.list_my_compositions(
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
    after_at := 'epoch'::timestamptz + split_part(after, '_', 1)::bigint * '1 microsecond'::interval;
    after_id := split_part(after, '_', 2)::uuid;
  end if;

  return (
    with visible as (  -- the same one up to three times: as its owner's, organisation's, and shared
      (
        select c.id, c.updated_at
          from public.user_compositions as c
         where c.owner_id = caller
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
             and (c.updated_at, c.id) < (after_at, after_id)
           order by c.updated_at desc, c.id desc
           limit page + 1
        ) as c
      union all
      (
        select c.id, c.updated_at
          from unnest(private.shared_with_me_ids()) as s (id)
          join public.user_compositions as c on c.id = s.id
         where (c.updated_at, c.id) < (after_at, after_id)
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

-- List the shares of a composition, oldest first: all of them for an owner, for others those that
-- concern them.
--
--   composition_id  a composition the caller may view
--   returns         [{composition_id, user_id, organization_id, role, expires_at, created_by,
--                   created_at}], expired ones included
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--
-- Definer rights: as load_composition().
create function public.list_shares(composition_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  held constant text := private.require_composition_role(list_shares.composition_id, 'viewer');
begin
  return (
    select coalesce(jsonb_agg(private.share_summary(s) order by s.created_at, s.id), '[]')
      from public.shared_compositions as s
     where s.composition_id = list_shares.composition_id
       and (
         held = 'owner'
         or s.user_id = auth.uid()
         or s.organization_id = any (private.my_organization_ids())
       )
  );
end;
$$;

-- List the versions of a composition, newest first.
--
--   composition_id  a composition the caller may view
--   after           next of the page before; null: the first page
--   row_limit       1 to 200
--   returns         {items: [{composition_id, version, content_hash, parent_version, kind,
--                   author_id, origin, message, created_at}], next: cursor or null}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT422 invalid_argument       row_limit is out of range
--   PT422 invalid_cursor         after is no cursor of this list
--
-- Definer rights: as load_composition().
create function public.list_versions(
  composition_id uuid,
  after          text default null,
  row_limit      integer default 50
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  page   constant integer := private.row_limit(list_versions.row_limit);
  before integer := 2147483647;
begin
  perform private.require_composition_role(list_versions.composition_id, 'viewer');

  if after !~ '^[0-9]{1,9}$' then
    perform private.refuse_cursor();
  elsif after is not null then
    before := after::integer;
  end if;

  return (
    with found as (
      select v, row_number() over (order by v.version desc) as nth
        from public.composition_versions as v
       where v.composition_id = list_versions.composition_id
         and v.version < before
       order by v.version desc
       limit page + 1
    )
    select jsonb_build_object(
      'items', coalesce(
        jsonb_agg(private.version_summary(f.v) order by f.nth) filter (where f.nth <= page), '[]'
      ),
      'next', (
        max((f.v).version) filter (where f.nth = page and (select count(*) from found) > page)
      )::text
    )
      from found as f
  );
end;
$$;

-- Load a composition: its head, and what is known about it.
--
--   composition_id  a composition the caller may view
--   returns         {composition_id, title, description, tags, owner_id, organization_id, role,
--                   version, content_hash, etag, updated_at, document}; role is the caller's:
--                   'owner', 'editor' or 'viewer'
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--
-- Definer rights: asking for one role costs the same however much a person may see; reading
-- through the policies grows with it.
create function public.load_composition(composition_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  held constant text :=
    private.require_composition_role(load_composition.composition_id, 'viewer');
begin
  return (
    -- Not ||, which would copy the document twice.
    select jsonb_set(private.composition_summary(c, held), '{document}', d.document)
      from public.user_compositions as c
      join public.compositions as d on d.content_hash = c.current_hash
     where c.id = load_composition.composition_id
  );
end;
$$;

-- Remove a person from an organisation. What they own there stays, with its longest-standing owner.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   user_id          a member; only an owner may remove an admin or an owner
--   returns          the membership that ended: {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 member_not_found           the person is no member
--   PT403 organization_role_too_low  a member, of a lower role than this needs
--   PT409 last_owner                 the organisation would be without an owner
--
-- Definer rights: nobody may write members in any other way.
create function public.remove_organization_member(organization_id uuid, user_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  member public.organization_members;
begin
  perform private.lock_organization(remove_organization_member.organization_id, 'admin');
  member := private.require_member(
    remove_organization_member.organization_id, remove_organization_member.user_id
  );

  if member.role <> 'member' then
    perform private.require_organization_role(member.organization_id, 'owner');
  end if;

  return private.end_membership(member);
end;
$$;

-- Bring an earlier version back, as a new version. Content only: title, shares and owner stay.
--
--   composition_id  a composition the caller may edit
--   version         the version whose content comes back
--   message         why, in words; null: nothing to say
--   returns         {composition_id, version, content_hash, title, updated_at}; version is new
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 version_not_found      the composition has no such version
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT422 invalid_document       a limit was lowered since the version was saved
--   PT422 invalid_argument       the message is too long
--
-- Definer rights: callers may not call private.append_version(), which checks them.
create function public.restore_version(
  composition_id uuid,
  version        integer,
  message        text default null
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
    origin         => jsonb_build_object('kind', 'restore', 'version', restore_version.version),
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
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT409 version_conflict       saved by someone since base_version was read
--   PT422 invalid_document       with every problem found, by path
--   PT422 invalid_argument       base_version is null, the message is too long, or on_conflict is
--                                not known
--
-- Definer rights: callers may not call private.append_version(), which checks them.
create function public.save_version(
  composition_id uuid,
  base_version   integer,
  document       jsonb,
  message        text default null,
  on_conflict    text default 'reject'
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
    origin         => '{"kind": "user"}',
    message        => save_version.message
  );
end;
$$;

-- Change the role of a member of an organisation.
--
--   organization_id  an organisation that the caller owns
--   user_id          a member of it, the caller included
--   role             'owner', 'admin' or 'member'
--   returns          {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT404 member_not_found           the person is no member
--   PT403 organization_role_too_low  a member, but no owner
--   PT409 last_owner                 the organisation would be without an owner
--   PT422 invalid_argument           no such role
--
-- Definer rights: nobody may write members in any other way.
create function public.set_organization_role(
  organization_id uuid,
  user_id         uuid,
  role            text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  member   public.organization_members;
  broken   text;
  argument text;
begin
  perform private.lock_organization(set_organization_role.organization_id, 'owner');
  member := private.require_member(
    set_organization_role.organization_id, set_organization_role.user_id
  );

  if member.role = 'owner' and set_organization_role.role <> 'owner' then
    perform private.require_other_owner(member.organization_id, member.user_id);
  end if;

  update public.organization_members as m
     set role = set_organization_role.role
   where m.organization_id = member.organization_id
     and m.user_id = member.user_id
  returning m.* into member;

  return private.member_summary(member);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;

-- Share a composition with a person or an organisation, or change the role or the end of a share.
--
--   composition_id   a composition the caller owns
--   role             'viewer' or 'editor'
--   user_id          the person …
--   organization_id  … or an organisation that the caller belongs to
--   expires_at       when the share ends by itself; null: when it is revoked
--   returns          {composition_id, user_id, organization_id, role, expires_at, created_by,
--                    created_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 user_not_found          there is no such account
--   PT404 organization_not_found  absent, or the caller is no member
--   PT403 not_composition_owner   readable, but the caller is no owner
--   PT422 invalid_argument        not one grantee, the owner as grantee, no such role, or an end
--                                 that is past
--
-- Definer rights: nobody may write shares in any other way.
create function public.share_composition(
  composition_id  uuid,
  role            text,
  user_id         uuid default null,
  organization_id uuid default null,
  expires_at      timestamptz default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  piece    public.user_compositions;
  share    public.shared_compositions;
  broken   text;
  argument text;
begin
  piece := private.lock_composition(share_composition.composition_id, 'owner');

  if share_composition.organization_id is not null then
    perform private.require_organization_role(share_composition.organization_id, 'member');
  end if;

  if share_composition.expires_at <= now()
    or not isfinite(share_composition.expires_at)
    or piece.owner_id = share_composition.user_id
  then
    argument := case when piece.owner_id = share_composition.user_id
                     then 'user_id' else 'expires_at' end;
    raise exception '% makes no share', argument using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', argument),
      hint    = 'Share with someone else than the owner, until a time to come or for good.';
  end if;

  insert into public.shared_compositions as s
    (composition_id, user_id, organization_id, role, expires_at)
  values
    (piece.id, share_composition.user_id, share_composition.organization_id,
     share_composition.role, share_composition.expires_at)
  on conflict on constraint shared_compositions_grantee_once do update
     set role = excluded.role, expires_at = excluded.expires_at
  returning s.* into share;

  return private.share_summary(share);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
  when foreign_key_violation then
    perform private.refuse_unknown_user(share_composition.user_id);
end;
$$;

-- Take a share back. Its owner may, and so may the person it was given to.
--
--   composition_id   a composition the caller owns, or that is shared with them
--   user_id          the person …
--   organization_id  … or the organisation that it was shared with
--   returns          the share that ended: {composition_id, user_id, organization_id, role,
--                    expires_at, created_by, created_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 share_not_found        it is not shared with this grantee
--   PT403 not_composition_owner  readable, but the caller is no owner
--
-- Once it has returned, no save of the grantee can commit any more: both wait for the same lock.
--
-- Definer rights: nobody may delete shares in any other way.
create function public.unshare_composition(
  composition_id  uuid,
  user_id         uuid default null,
  organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  share public.shared_compositions;
begin
  perform private.lock_composition(
    unshare_composition.composition_id,
    case when unshare_composition.user_id = private.caller_id() then 'viewer' else 'owner' end
  );

  delete from public.shared_compositions as s
   where s.composition_id = unshare_composition.composition_id
     and s.user_id is not distinct from unshare_composition.user_id
     and s.organization_id is not distinct from unshare_composition.organization_id
  returning s.* into share;

  if share.id is null then
    raise exception 'composition % has no such share', unshare_composition.composition_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'share_not_found'),
      hint    = 'Pick one that list_shares() returns.';
  end if;
  return private.share_summary(share);
end;
$$;

-- Who may do what to a version: read it with its composition. Nobody changes one.
--
--            stranger  viewer  editor  owner
--   select      -       yes     yes     yes
--   insert      -        -       -       -    save_version() and all others that append
--   update      -        -       -       -
--   delete      -        -       -       -

revoke all on public.composition_versions from anon, authenticated, service_role;
grant select on public.composition_versions to authenticated;

-- The policy on user_compositions decides; this one asks it.
create policy composition_versions_select_reader on public.composition_versions
  for select to authenticated
  using (
    exists (
      select from public.user_compositions as c
       where c.id = composition_versions.composition_id
    )
  );

-- Who may do what to content: nobody. load_composition() and get_version() hand documents out with
-- the version that a caller may read.
--
-- Not even a reader of the content may select it here: rows come back in the order in which they
-- were stored, and so tell whether somebody had stored the same content before.

revoke all on public.compositions from anon, authenticated, service_role;

-- Who may do what to the memberships of an organisation. Roles move by functions alone, so nobody
-- can raise their own.
--
--            stranger  member
--   select      -       yes    of all members
--   insert      -        -     add_organization_member()
--   update      -        -     set_organization_role()
--   delete      -        -     remove_organization_member(), leave_organization()

revoke all on public.organization_members from anon, authenticated, service_role;
grant select on public.organization_members to authenticated;

create policy organization_members_select_member on public.organization_members
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or organization_id = any ((select private.my_organization_ids())::uuid[])
  );

-- Who may do what to an organisation.
--
--            stranger  member
--   select      -       yes
--   insert      -        -     create_organization()
--   update      -        -
--   delete      -        -

revoke all on public.organizations from anon, authenticated, service_role;
grant select on public.organizations to authenticated;

create policy organizations_select_member on public.organizations
  for select to authenticated
  using (id = any ((select private.my_organization_ids())::uuid[]));

-- Who may do what to the settings: nobody. An operator changes them in SQL, as postgres.

revoke all on private.settings from anon, authenticated, service_role;

-- Who may do what to a share.
--
--            stranger  grantee  owner of the composition
--   select      -       yes      yes
--   insert      -        -        -    share_composition()
--   update      -        -        -    share_composition()
--   delete      -        -        -    unshare_composition()

revoke all on public.shared_compositions from anon, authenticated, service_role;
grant select on public.shared_compositions to authenticated;

create policy shared_compositions_select_party on public.shared_compositions
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or organization_id = any ((select private.my_organization_ids())::uuid[])
    or exists (
      select from public.user_compositions as c
       where c.id = shared_compositions.composition_id
         and (
           c.owner_id = (select auth.uid())
           or c.organization_id
              = any ((select private.my_administered_organization_ids())::uuid[])
         )
    )
  );

-- Who may do what to a composition. Its head moves by save_version() and restore_version() alone.
-- An organisation's owners and admins own its compositions, its members view them.
--
--            stranger  viewer  editor  owner
--   select      -       yes     yes     yes
--   insert      -        -       -       -    create_composition()
--   update      -        -      yes     yes   title, description, tags
--   delete      -        -       -       -

revoke all on public.user_compositions from anon, authenticated, service_role;
grant select, update (title, description, tags) on public.user_compositions to authenticated;

create policy user_compositions_select_reader on public.user_compositions
  for select to authenticated
  using (
    owner_id = (select auth.uid())
    or organization_id = any ((select private.my_organization_ids())::uuid[])
    or id = any ((select private.shared_with_me_ids())::uuid[])
  );

create policy user_compositions_update_editor on public.user_compositions
  for update to authenticated
  using (
    owner_id = (select auth.uid())
    or organization_id = any ((select private.my_administered_organization_ids())::uuid[])
    or id = any ((select private.shared_with_me_ids('{editor}'))::uuid[])
  );

-- Who may execute what. A function that is not named here is reachable by nobody.

-- The API: signed-in people. Nothing is for anon.
grant execute on function
  public.add_organization_member(uuid, uuid, text),
  public.create_composition(text, jsonb, uuid, text, text[], text),
  public.create_organization(text),
  public.get_version(uuid, integer),
  public.leave_organization(uuid),
  public.list_my_compositions(text, integer),
  public.list_shares(uuid),
  public.list_versions(uuid, text, integer),
  public.load_composition(uuid),
  public.remove_organization_member(uuid, uuid),
  public.restore_version(uuid, integer, text),
  public.save_version(uuid, integer, jsonb, text, text),
  public.set_organization_role(uuid, uuid, text),
  public.share_composition(uuid, text, uuid, uuid, timestamptz),
  public.unshare_composition(uuid, uuid, uuid)
to authenticated;

-- Helpers that policies and triggers call as the person who asks.
grant execute on function
  private.composition_role(uuid),
  private.my_administered_organization_ids(),
  private.my_organization_ids(),
  private.shared_with_me_ids(text[])
to authenticated;
