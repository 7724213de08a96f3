-- What the functions with a cache stand on: an outbox that says what caches must forget, and a
-- webhook that tells them at once.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- They get another argument.
drop function public.delete_composition(uuid);
drop function public.load_composition(uuid);

create index composition_versions_content_hash_composition_id_idx
  on public.composition_versions (content_hash, composition_id);
drop index public.composition_versions_content_hash_idx;


-- What caches must still forget: a row for each composition, or each person, whose answers a
-- statement changed, written in the same transaction. Whoever keeps a cache takes them with
-- pending_invalidations(), or hears of them by the webhook (private.poke()), drops what it holds,
-- and deletes them with acknowledge_invalidations(). No foreign keys: what is gone must be
-- forgotten, too.
create table private.cache_outbox (
  id             bigint      generated always as identity,
  composition_id uuid,                             -- for everybody …
  user_id        uuid,                             -- … or everything for a person
  created_at     timestamptz not null default clock_timestamp(),
  attempts       integer     not null default 0,   -- times that it was handed out
  -- When to hand it out (again): the webhook goes first.
  due_at         timestamptz not null default clock_timestamp() + interval '2 seconds',

  constraint cache_outbox_pkey primary key (id),
  constraint cache_outbox_one_key check (num_nonnulls(composition_id, user_id) = 1)
);

create index cache_outbox_due_at_idx on private.cache_outbox (due_at);

alter table private.cache_outbox enable row level security;

-- What call_once() has done, and answered, so that it does nothing twice. It is forgotten after
-- mutation_days (private.settings).
create table private.client_mutations (
  user_id      uuid        not null,
  mutation_id  text        not null,              -- chosen by the person's client
  request_hash bytea       not null,              -- of the function and its arguments
  result       jsonb,                             -- without a secret; null: while it is being done
  has_secret   boolean     not null default false,  -- whether the answer had one
  created_at   timestamptz not null default clock_timestamp(),

  constraint client_mutations_pkey primary key (user_id, mutation_id),
  constraint client_mutations_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade
);

create index client_mutations_created_at_idx on private.client_mutations (created_at);

alter table private.client_mutations enable row level security;

-- Where the webhook goes, and what signs it, on a project without a vault: by the names under which
-- a vault has them. Written by private.configure_webhook().
create table private.secrets (
  name  text not null,
  value text not null,

  constraint secrets_pkey primary key (name)
);

alter table private.secrets enable row level security;

-- Say in the header Access-Until of the answer when what allows it ends by itself: for as long the
-- answer may be kept, and no longer.
--
--   until  a time to come
--
-- In milliseconds since 1970, as clocks of caches count; rounded down, as later would be too late.
create function private.announce_end(until timestamptz) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  perform set_config(
    'response.headers',
    (
      coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb
      || jsonb_build_object('Access-Until', floor(extract(epoch from until) * 1000)::text)
    )::text,
    true
  );
end;
$$;

-- Check a call that somebody describes in JSON, and put it into SQL.
--
--   function   one of private.functions_to_call_once()
--   arguments  object with its arguments by name
--   returns    a statement that makes the call, and takes the arguments as its parameter
--
-- Raises
--   PT422 invalid_argument  no such function; no object; an argument that the function does not
--                           have, that is missing, or of another type, with its name as key
--
-- All names and types in the statement are the catalog's.
create function private.call_statement(function text, arguments jsonb) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  names    text[];   -- of all arguments
  types    text[];
  required integer;  -- so many of them have no default, the first ones
  given    text[];
  wrong    text;
  row_type text;
begin
  select p.proargnames[1:p.pronargs], p.pronargs - p.pronargdefaults,
         array(
           select format_type(t.oid, null)
             from unnest(p.proargtypes) with ordinality as t (oid, nth)
            order by t.nth
         )
    into names, required, types
    from pg_catalog.pg_proc as p
   where p.pronamespace = 'public'::regnamespace
     and p.proname = call_statement.function
     and p.proname = any (private.functions_to_call_once());

  if names is null then
    raise exception 'no such function is called once' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument',
        'argument', 'function',
        'allowed', to_jsonb(private.functions_to_call_once())
      ),
      hint    = 'Name a function that writes.';
  end if;

  if jsonb_typeof(arguments) is distinct from 'object'
    or exists (select from jsonb_object_keys(arguments) as k (name) where k.name <> all (names))
  then
    perform private.refuse_call(names);
  end if;

  select a.name into wrong
    from unnest(names, types) with ordinality as a (name, type, nth)
   where not private.is_of_type(arguments -> a.name, a.type, a.nth > required)
   order by a.nth
   limit 1;
  if wrong is not null then
    perform private.refuse_call(names, wrong);
  end if;

  select array_agg(format('%I', a.name) order by a.nth),
         string_agg(format('%I %s', a.name, a.type), ', ' order by a.nth)
    into given, row_type
    from unnest(names, types) with ordinality as a (name, type, nth)
   where arguments ? a.name;

  begin
    execute format('select count(r) from jsonb_to_record($1) as r (%s)', row_type)
      using arguments;
  exception
    when data_exception then
      perform private.refuse_call(names);
  end;

  return format(
    'select public.%I(%s) from jsonb_to_record($1) as r (%s)',
    function,
    (select string_agg(format('%1$s => r.%1$s', g.name), ', ') from unnest(given) as g (name)),
    row_type
  );
end;
$$;

-- Hand out what is due of what caches must forget, and hand it out again later unless it is
-- acknowledged: after 2 seconds, 4, and then every 8.
--
--   row_limit  how many at most
--   returns    rows of the outbox; what another caller is just taking is left to them
--
-- Definer rights: jobs have no access to tables.
create function private.claim_invalidations(row_limit integer) returns setof private.cache_outbox
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return query
    update private.cache_outbox as o
       set attempts = o.attempts + 1,
           due_at = clock_timestamp() + least(2 ^ (o.attempts + 1), 8) * interval '1 second'
     -- As an array: a plan may run what stands behind "in" once more, and take further rows then.
     where o.id = any (
             array(
               select d.id
                 from private.cache_outbox as d
                where d.due_at <= now()
                order by d.due_at, d.id
                limit claim_invalidations.row_limit
                  for update skip locked
             )
           )
    returning o.*;
end;
$$;

-- What somebody may do with a composition, and until when. The policies on user_compositions say
-- the same for whole lists; this answers for one composition, in a few index look-ups.
--
--   composition_id  any id
--   user_id         whose role it is; null: nobody's
--   role            'owner', 'editor', 'viewer', or null: it does not exist for them; in the trash
--                   it exists for its owners alone
--   until           when the role ends or becomes a lower one by itself, as shares do; null: never
--
-- An organisation's owners and admins own its compositions, its members view them.
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.composition_access(
  composition_id uuid,
  user_id        uuid,
  out role       text,
  out until      timestamptz
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  select case held.rank when 3 then 'owner' when 2 then 'editor' when 1 then 'viewer' end,
         nullif(max(coalesce(held.until, 'infinity')), 'infinity')
    into composition_access.role, composition_access.until
    from public.user_compositions as c
   cross join lateral (
      select 3 as rank, null::timestamptz as until
       where c.owner_id = composition_access.user_id
      union all
      select case when m.role in ('owner', 'admin') then 3 else 1 end, null
        from public.organization_members as m
       where m.organization_id = c.organization_id and m.user_id = composition_access.user_id
      union all
      select case s.role when 'editor' then 2 else 1 end, s.expires_at
        from public.shared_compositions as s
       where s.composition_id = c.id
         and s.user_id = composition_access.user_id
         and (s.expires_at is null or s.expires_at > now())
      union all
      select case s.role when 'editor' then 2 else 1 end, s.expires_at
        from public.shared_compositions as s
        join public.organization_members as m
          on m.organization_id = s.organization_id and m.user_id = composition_access.user_id
       where s.composition_id = c.id
         and s.user_id is null  -- past those of persons, in the index
         and (s.expires_at is null or s.expires_at > now())
    ) as held
   where c.id = composition_access.composition_id
     and (c.deleted_at is null or held.rank = 3)
   group by held.rank
   order by held.rank desc
   limit 1;
end;
$$;

-- What the caller may do with a composition.
--
--   composition_id  any id
--   returns         'owner', 'editor', 'viewer', or null: it does not exist for the caller; in the
--                   trash it exists for its owners alone
--
-- Definer rights: as private.composition_access(), which is for anybody's role.
create or replace function private.composition_role(composition_id uuid) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access record := private.composition_access(composition_role.composition_id, auth.uid());
begin
  return access.role;
end;
$$;

-- Say where the webhook goes (private.poke()), for an operator, in SQL. It is kept in the vault
-- where there is one, else in private.secrets.
--
--   url     of the webhook function, https://… or, locally, http://…; null: there is no webhook
--   secret  32 characters or more, which the function knows too; null without a url
--
-- Raises
--   PT422 invalid_argument  no such url, a secret that is too short, or one of the two alone
create function private.configure_webhook(url text, secret text) returns void
language plpgsql volatile
set search_path = ''
as $$
declare
  names constant text[] := '{compositions_webhook_url,compositions_webhook_secret}';
  found uuid;
begin
  if (url is null) <> (secret is null) or url !~ '^https?://[^[:space:]]+$' or length(secret) < 32
  then
    raise exception 'a webhook has an address and a secret of 32 characters or more' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', case
        when secret is null or length(secret) < 32 then 'secret'
        else 'url'
      end),
      hint    = 'Send both, or null for both: then there is no webhook.';
  end if;

  delete from private.secrets as s where s.name = any (names);

  if to_regclass('vault.secrets') is null then
    insert into private.secrets (name, value)
    select n.name, n.value
      from (values (names[1], url), (names[2], secret)) as n (name, value)
     where n.value is not null;
    return;
  end if;

  if url is null then
    delete from vault.secrets as s where s.name = any (names);
    return;
  end if;

  for nth in 1 .. 2 loop
    select s.id into found from vault.secrets as s where s.name = names[nth];
    if found is null then
      perform vault.create_secret((array[url, secret])[nth], names[nth]);
    else
      perform vault.update_secret(found, (array[url, secret])[nth]);
    end if;
  end loop;
end;
$$;

-- Delete what nobody took out of the outbox for so long that no cache can still hold it
-- (outbox_hours in private.settings): nobody may be listening at all.
--
-- It looks at the oldest 10,000 rows.
--
-- Definer rights: nobody may delete these rows in any other way.
create function private.forget_invalidations() returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hours constant integer := least(private.setting('outbox_hours'), 1000000);
begin
  delete from private.cache_outbox as o
   where o.id in (
           select f.id
             from private.cache_outbox as f
            where f.id in (select e.id from private.cache_outbox as e order by e.id limit 10000)
              and f.created_at < now() - hours * interval '1 hour'
              for update skip locked
         );
end;
$$;

-- Delete what call_once() did more than mutation_days ago (private.settings), the oldest 100.
--
-- Definer rights: nobody may delete these rows in any other way.
create function private.forget_mutations() returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  delete from private.client_mutations as m
   using (
      select o.user_id, o.mutation_id
        from private.client_mutations as o
       where o.created_at
             < now() - least(private.setting('mutation_days'), 1000000) * interval '1 day'
       order by o.created_at
       limit 100
         for update skip locked
    ) as old
   where m.user_id = old.user_id and m.mutation_id = old.mutation_id;
end;
$$;

-- The functions that call_once() runs: all that write in the name of a person, but for itself and
-- delete_my_account(), after which nobody is left to be answered.
create function private.functions_to_call_once() returns text[]
language sql immutable
set search_path = ''
as $$
  select array[
    'accept_invitation', 'accept_share_link', 'add_organization_member', 'create_composition',
    'create_organization', 'create_share_link', 'delete_composition', 'fork_composition',
    'invite_to_organization', 'label_version', 'leave_organization', 'purge_composition',
    'remove_organization_member', 'restore_version', 'revoke_invitation', 'revoke_share_link',
    'save_version', 'set_organization_role', 'share_composition', 'transfer_composition',
    'undelete_composition', 'unshare_composition', 'update_metadata'
  ];
$$;

-- Whether some number is so large, or so close to zero, that its text may be of any length: a few
-- kilobytes such as [1e131071, …] print as gigabytes.
--
--   value    any jsonb
--   returns  whether a number in it is none of 0 and the magnitudes from 1/max_number to max_number
--            (private.settings)
--
-- Nothing may turn the value into text before this has said no.
create function private.has_wild_number(value jsonb) returns boolean
language plpgsql stable
set search_path = ''
as $$
declare
  max_number     constant bigint  := private.setting('max_number');
  max_zero_scale constant integer := 15;
begin
  -- A zero has a size too, if not a magnitude: 0e-16383 prints as sixteen thousand digits.
  return jsonb_path_exists(
    value,
    'strict $.** ? (
       @.type() == "number"
       && !(@ >= $least && @ <= $most || @ == 0 || @ <= -$least && @ >= -$most)
     )',
    jsonb_build_object('most', max_number, 'least', 1::numeric / max_number)
  ) or exists (
    select
      from jsonb_array_elements(jsonb_path_query_array(value, 'strict $.** ? (@ == 0)')) as z
     where scale(z::numeric) > max_zero_scale
  );
end;
$$;

-- A signature that only who knows the secret can make: HMAC-SHA256 (RFC 2104), without an extension
-- that may be elsewhere.
--
--   secret   the key, as UTF-8
--   message  what is signed, as UTF-8
--   returns  32 bytes
create function private.hmac_sha256(secret text, message text) returns bytea
language plpgsql immutable
set search_path = ''
as $$
declare
  key   bytea := convert_to(secret, 'UTF8');
  block bit(512);
begin
  if octet_length(key) > 64 then
    key := sha256(key);
  end if;
  block := ('x' || rpad(encode(key, 'hex'), 128, '0'))::bit(512);

  -- Only bits can be xored. The first four bytes of what bit_send() returns are their number.
  return sha256(
    substring(bit_send(block # ('x' || repeat('5c', 64))::bit(512)) from 5)
    || sha256(
         substring(bit_send(block # ('x' || repeat('36', 64))::bit(512)) from 5)
         || convert_to(message, 'UTF8')
       )
  );
end;
$$;

-- Let caches forget the people whose accounts are deleted: their tokens live on for a while.
--
-- Definer rights: who deletes an account may not write the outbox.
create function private.invalidate_accounts() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.note_invalidations('{}', array(select u.id from gone as u));
  return null;
end;
$$;

create trigger users_invalidate
  after delete on auth.users
  referencing old table as gone
  for each statement execute function private.invalidate_accounts();

-- Let caches forget the compositions of which a statement changed what load_composition() shows. An
-- update that changes nothing of that, such as one of search_text alone, is none of theirs.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_compositions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  ids uuid[];
begin
  if tg_op = 'INSERT' then
    -- Without a version there is nothing to load: the head comes as an update.
    ids := array(select c.id from added as c where c.current_version > 0);
  elsif tg_op = 'UPDATE' then
    ids := array(
      select f.id
        from (
          select b.id, b.owner_id, b.organization_id, b.title, b.description, b.tags,
                 b.current_version, b.current_hash, b.updated_at, b.deleted_at, b.forked_from_id,
                 b.forked_from_version
            from before as b
          except
          select a.id, a.owner_id, a.organization_id, a.title, a.description, a.tags,
                 a.current_version, a.current_hash, a.updated_at, a.deleted_at, a.forked_from_id,
                 a.forked_from_version
            from after as a
        ) as f
    );
  else
    ids := array(select c.id from gone as c);
  end if;
  perform private.note_invalidations(ids, '{}');
  return null;
end;
$$;

create trigger user_compositions_invalidate_inserted
  after insert on public.user_compositions
  referencing new table as added
  for each statement execute function private.invalidate_compositions();

create trigger user_compositions_invalidate_updated
  after update on public.user_compositions
  referencing old table as before new table as after
  for each statement execute function private.invalidate_compositions();

create trigger user_compositions_invalidate_deleted
  after delete on public.user_compositions
  referencing old table as gone
  for each statement execute function private.invalidate_compositions();

-- Let caches forget the people of whom a statement changed what they are in an organisation: each
-- of its compositions is another one for them now, or none, and so is what is shared with it.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_members() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  ids uuid[];
begin
  if tg_op = 'INSERT' then
    ids := array(select distinct m.user_id from added as m);
  elsif tg_op = 'UPDATE' then
    ids := array(
      with was as (select b.organization_id, b.user_id, b.role from before as b),
      is_now as (select a.organization_id, a.user_id, a.role from after as a)
      select f.user_id from (table was except table is_now) as f
      union
      select f.user_id from (table is_now except table was) as f
    );
  else
    ids := array(select distinct m.user_id from gone as m);
  end if;
  perform private.note_invalidations('{}', ids);
  return null;
end;
$$;

create trigger organization_members_invalidate_inserted
  after insert on public.organization_members
  referencing new table as added
  for each statement execute function private.invalidate_members();

create trigger organization_members_invalidate_updated
  after update on public.organization_members
  referencing old table as before new table as after
  for each statement execute function private.invalidate_members();

create trigger organization_members_invalidate_deleted
  after delete on public.organization_members
  referencing old table as gone
  for each statement execute function private.invalidate_members();

-- Let caches forget the compositions of which a statement changed who may see them. A new link is
-- none of theirs: it shows nothing before somebody opens or accepts it. A share that ends by itself
-- is none either: load_composition() says when it will.
--
-- Definer rights: callers may not write the outbox.
create function private.invalidate_shares() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  ids uuid[];
begin
  if tg_op = 'INSERT' then
    ids := array(select distinct s.composition_id from added as s where s.token_hash is null);
  elsif tg_op = 'UPDATE' then
    ids := array(
      with was as (
        select b.composition_id, b.user_id, b.organization_id, b.token_hash, b.role, b.expires_at
          from before as b
      ),
      is_now as (
        select a.composition_id, a.user_id, a.organization_id, a.token_hash, a.role, a.expires_at
          from after as a
      )
      select f.composition_id from (table was except table is_now) as f
      union
      select f.composition_id from (table is_now except table was) as f
    );
  else
    ids := array(select distinct s.composition_id from gone as s);
  end if;
  perform private.note_invalidations(ids, '{}');
  return null;
end;
$$;

create trigger shared_compositions_invalidate_inserted
  after insert on public.shared_compositions
  referencing new table as added
  for each statement execute function private.invalidate_shares();

create trigger shared_compositions_invalidate_updated
  after update on public.shared_compositions
  referencing old table as before new table as after
  for each statement execute function private.invalidate_shares();

create trigger shared_compositions_invalidate_deleted
  after delete on public.shared_compositions
  referencing old table as gone
  for each statement execute function private.invalidate_shares();

-- Whether a JSON value can be an argument of a type that functions of the API have. Whether its
-- text has the form of the type, the type says.
--
--   value     null: none is given
--   type      as format_type() prints it
--   optional  whether none need be given
create function private.is_of_type(value jsonb, type text, optional boolean) returns boolean
language sql immutable
set search_path = ''
as $$
  select case
    when value is null then optional
    when type = 'jsonb' or value = 'null' then true
    when type = 'integer' then jsonb_typeof(value) = 'number'
    when type <> 'text[]' then jsonb_typeof(value) = 'string'
    when jsonb_typeof(value) <> 'array' then false
    else not exists (
      select from jsonb_array_elements(value) as e (value)
       where jsonb_typeof(e.value) not in ('string', 'null')
    )
  end;
$$;

-- What makes a value too dangerous to look at any closer.
--
--   document  any jsonb
--   returns   array of problems, empty when it is within the limits
--
-- The order is the point. A few kilobytes such as [1e131071, …] print as gigabytes, so nothing may
-- turn the value into text before its numbers are known to be small; and nothing may walk it that
-- grows faster than its size. Jsonb takes at most four times the bytes of its text ([0,0,…]),
-- which bounds the work before any of it starts.
create or replace function private.limit_problems(document jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
declare
  -- Within what can be counted with, however much an operator lets in.
  max_bytes  constant bigint := least(private.setting('max_document_bytes'), 1000000000000);
  max_depth  constant bigint := least(private.setting('max_document_depth'), 1000000);
  max_number constant bigint := private.setting('max_number');
  max_components constant bigint := private.setting('max_components');
  problems   jsonb := '[]';
begin
  if pg_column_size(document) > 4 * max_bytes then
    return jsonb_build_array(private.problem(
      'too_large', '', 'the document is too large', format('at most %s bytes of text', max_bytes)
    ));
  end if;

  if private.has_wild_number(document) then
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

  if problems = '[]' and jsonb_typeof(document -> 'components') = 'object'
     and (select count(*) from jsonb_object_keys(document -> 'components')) > max_components then
    problems := problems || private.problem(
      'too_large', '/components', 'the document has too many components',
      format('at most %s components', max_components)
    );
  end if;

  return problems;
end;
$$;

-- Whether the caller may view a version with some content.
--
--   content_hash  any hash
--
-- It walks what the caller may view (the policies on user_compositions say the same), and looks in
-- an index whether each has the content. From the content to its versions would be shorter, mostly;
-- but then it would take longer the more others have it, and so tell that they do. The limit within
-- keeps the planner from that, too.
--
-- Definer rights: it decides who may see the rows that it reads.
create function private.may_view_content(content_hash bytea) returns boolean
language plpgsql stable security definer
set search_path = ''
set plan_cache_mode = force_custom_plan  -- a plan for any caller read the whole table
as $$
declare
  -- In variables, so that each is made once.
  caller        constant uuid   := auth.uid();
  organizations constant uuid[] := private.my_organization_ids();
  shared        constant uuid[] := private.shared_with_me_ids();
begin
  return exists (
    select
      from (
        select c.id, c.deleted_at from public.user_compositions as c where c.owner_id = caller
        union all
        select c.id, c.deleted_at
          from public.user_compositions as c
         where c.organization_id = any (organizations)
        union all
        select c.id, c.deleted_at from public.user_compositions as c where c.id = any (shared)
      ) as m
     cross join lateral (
        select
          from public.composition_versions as v
         where v.composition_id = m.id
           and v.content_hash = may_view_content.content_hash
         limit 1
      ) as has
     where m.deleted_at is null
  );
end;
$$;

-- Write down what caches must forget, in the transaction that changes it, and tell them at once if
-- somebody listens.
--
--   composition_ids  each once: for everybody
--   user_ids         each once: everything for a person
--
-- Definer rights: nobody may write the outbox in any other way.
create function private.note_invalidations(composition_ids uuid[], user_ids uuid[]) returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  noted bigint[];
begin
  if composition_ids = '{}' and user_ids = '{}' then
    return;
  end if;

  with written as (
    insert into private.cache_outbox as o (composition_id, user_id)
    select c.id, null::uuid from unnest(composition_ids) as c (id)
    union all
    select null, u.id from unnest(user_ids) as u (id)
    returning o.id
  )
  select array_agg(w.id) into noted from written as w;

  -- Without pg_net, the row is all that a write costs.
  if to_regnamespace('net') is not null then
    perform private.poke(noted);
  end if;
end;
$$;

-- Tell the webhook what caches must forget, after the commit, if pg_net is there to do it and
-- private.configure_webhook() said where. It is a nudge: it may get lost, come twice or late, and
-- what must not be lost is in the outbox.
--
--   ids  rows of the outbox, of which at most 500 are named
--
-- The body is {type: 'INSERT', schema: 'private', table: 'cache_outbox', records: [{id,
-- composition_id, user_id, created_at}], more}; more: not all are named. pg_net sends the text of
-- the jsonb, and that is what is signed, after the time: X-Webhook-Signature is v1= and
-- HMAC-SHA256(secret, X-Webhook-Timestamp || '.' || body) as hex.
--
-- This runs within the writes of people. So all errors are caught here, the one place where that is
-- right, and logged for the operator: no fault of an extension, of the vault or of a setting may
-- refuse a save. And it waits for nobody: somebody may be holding pg_net's queue.
--
-- Definer rights: callers may neither read the secret nor send requests.
create function private.poke(ids bigint[]) returns void
language plpgsql volatile security definer
set search_path = ''
set lock_timeout = '20ms'
as $$
declare
  hook record;
  body jsonb;
  sent text := extract(epoch from clock_timestamp())::bigint;
begin
  hook := private.webhook();
  if hook.url is null or hook.secret is null
    or to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is null
  then
    return;
  end if;

  body := (
    select jsonb_build_object(
             'type', 'INSERT',
             'schema', 'private',
             'table', 'cache_outbox',
             'records', jsonb_agg(
               jsonb_build_object(
                 'id', o.id,
                 'composition_id', o.composition_id,
                 'user_id', o.user_id,
                 'created_at', o.created_at
               ) order by o.id
             ),
             'more', cardinality(ids) > 500
           )
      from private.cache_outbox as o
     where o.id = any (ids[:500])
  );
  perform net.http_post(
    url     => hook.url,
    body    => body,
    params  => '{}'::jsonb,
    headers => jsonb_build_object(
      'Content-Type', 'application/json',
      'X-Webhook-Timestamp', sent,
      'X-Webhook-Signature',
        'v1=' || encode(private.hmac_sha256(hook.secret, sent || '.' || body), 'hex')
    ),
    timeout_milliseconds => 5000
  );
exception
  when others then
    raise log 'the webhook was not called: % (%)', sqlerrm, sqlstate;
end;
$$;

-- Tell the webhook once more what is due, for a job that runs every few seconds within the database
-- (pg_cron): what a webhook lost is delivered again until it is acknowledged.
--
--   returns  {poked: how many rows it was told, more: whether there may be others that are due}
--
-- It hands nothing out: while the webhook fails, what it is told of stays due for the sweep. Without
-- a webhook it only forgets what is too old to matter.
--
-- Definer rights: as private.poke().
create function private.poke_overdue() returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hook record   := private.webhook();
  ids  bigint[] := '{}';
begin
  perform private.forget_invalidations();
  if hook.url is not null then
    ids := array(
      select o.id
        from private.cache_outbox as o
       where o.due_at <= now()
       order by o.due_at, o.id
       limit 500
    );
  end if;
  if ids <> '{}' then
    perform private.poke(ids);
  end if;
  return jsonb_build_object('poked', cardinality(ids), 'more', cardinality(ids) = 500);
end;
$$;

-- Refuse a call that is not one of a function's.
--
--   names  of all arguments of the function
--   wrong  the first one that is missing, or of another type; null: something else is
--
-- Raises
--   PT422 invalid_argument  always
create function private.refuse_call(names text[], wrong text default null) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'arguments are not those of the function' using
    errcode = 'PT422',
    detail  = jsonb_strip_nulls(jsonb_build_object(
      'code', 'invalid_argument',
      'argument', 'arguments',
      'key', wrong,
      'allowed', to_jsonb(names)
    )),
    hint    = 'Send an object with the arguments by name, as docs/api.md has them.';
end;
$$;

-- What call_once() answers to what it has done before.
--
--   mutation      what was done
--   request_hash  of what is asked for now
--   returns       what was answered then
--
-- Raises
--   PT409 secret_not_repeated     the answer had a token, with the ids that it had
--   PT422 idempotency_key_reused  something else is asked for
create function private.replay(mutation private.client_mutations, request_hash bytea) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  if mutation.request_hash <> replay.request_hash then
    raise exception 'something else was done under this mutation_id' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'idempotency_key_reused'),
      hint    = 'Make a new mutation_id for each thing that is to be done.';
  end if;

  if mutation.has_secret then
    raise exception 'it was done, and its token is shown once' using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'secret_not_repeated') || (
        select jsonb_object_agg(r.key, r.value)
          from jsonb_each(mutation.result) as r
         where r.key in ('composition_id', 'link_id', 'organization_id', 'invitation_id')
      ),
      hint    = 'Revoke it by its id, and make another one.';
  end if;
  return mutation.result;
end;
$$;

-- What tells one request of call_once() from another: SHA-256 (FIPS 180-4) of its canonical text.
-- One that is too large, or has a number that may not be spelled out, is told by less, which costs
-- less: it is refused, so that nothing was ever done under it.
--
--   function   the name of a function
--   arguments  its arguments
--   returns    32 bytes, or 8
create function private.request_hash(function text, arguments jsonb) returns bytea
language plpgsql stable
set search_path = ''
as $$
declare
  request   constant jsonb  := jsonb_build_array(function, arguments);
  -- A document may take four times the bytes of its text (private.limit_problems()).
  max_bytes constant bigint := 5 * least(private.setting('max_document_bytes'), 1000000000000);
begin
  if pg_column_size(request) > max_bytes or private.has_wild_number(arguments) then
    return int8send(jsonb_hash_extended(request, 0));
  end if;
  return private.content_hash(request);
end;
$$;

-- Refuse what is no list of cached entries for current_etags().
--
--   entries  as sent
--
-- Raises
--   PT422 invalid_argument  no array of at most 500, or an entry that is none, with the place of
--                           the first such one
create function private.require_cached_entries(entries jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  keys  constant text[] := '{composition_id,user_id}';
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
    hint    = 'Send {"composition_id", "user_id"}, both ids.';
end;
$$;

-- Where the webhook goes and what signs it, as private.configure_webhook() wrote it down.
--
--   url     null: there is no webhook
--   secret  that its function knows, too
--
-- Definer rights: nobody else may read the secret.
create function private.webhook(out url text, out secret text)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if to_regclass('vault.decrypted_secrets') is not null then
    select max(d.decrypted_secret) filter (where d.name = 'compositions_webhook_url'),
           max(d.decrypted_secret) filter (where d.name = 'compositions_webhook_secret')
      into url, secret
      from vault.decrypted_secrets as d
     where d.name in ('compositions_webhook_url', 'compositions_webhook_secret');
  else
    select max(s.value) filter (where s.name = 'compositions_webhook_url'),
           max(s.value) filter (where s.name = 'compositions_webhook_secret')
      into url, secret
      from private.secrets as s;
  end if;
end;
$$;

-- Say what caches have forgotten, so that it is not handed out again.
--
--   ids      array of at most 10000 ids, of pending_invalidations() or of a webhook
--   returns  {acknowledged}: how many there were. An id that is not there any more was acknowledged
--            before
--
-- Raises
--   PT422 invalid_argument  ids are something else, with the place of the first one; nothing is
--                           acknowledged
--
-- Definer rights: jobs have no access to tables.
create function public.acknowledge_invalidations(ids jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  place        bigint;
  acknowledged integer;
begin
  if jsonb_typeof(ids) = 'array' and jsonb_array_length(ids) <= 10000 then
    select min(e.nth) - 1 into place
      from jsonb_array_elements(ids) with ordinality as e (id, nth)
     where not case
             when jsonb_typeof(e.id) <> 'number' then false
             -- Not as text: 1e131071 is as long as it says.
             when e.id::numeric not between 0 and 999999999999999999 then false
             else scale(trim_scale(e.id::numeric)) = 0
           end;
  end if;

  if place is not null or jsonb_typeof(ids) is distinct from 'array'
    or jsonb_array_length(ids) > 10000
  then
    raise exception 'ids are at most 10000 whole numbers' using
      errcode = 'PT422',
      detail  = jsonb_strip_nulls(jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'ids', 'index', place
      )),
      hint    = 'Send the ids of what was handed out.';
  end if;

  -- In the order of ids: two who acknowledge the same do not wait for each other in a circle.
  with held as (
    select o.id
      from private.cache_outbox as o
     where o.id in (select e.id::bigint from jsonb_array_elements(ids) as e (id))
     order by o.id
       for update
  )
  delete from private.cache_outbox as o using held as h where o.id = h.id;
  get diagnostics acknowledged = row_count;
  return jsonb_build_object('acknowledged', acknowledged);
end;
$$;

-- Run a function that writes, at most once: a client that got no answer calls again, with the same
-- mutation_id, and gets the answer that it missed.
--
--   mutation_id  1 to 200 printable characters of ASCII that the client makes up for one thing that
--                it wants done, such as a UUID; other people's are others
--   function     the name of a function that writes
--   arguments    object with its arguments by name, each of the JSON type that it has in a call
--   returns      what the function returns
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT409 secret_not_repeated     it was done, and the token that was answered is not kept: revoke
--                                 what the ids name, and make another
--   PT422 idempotency_key_reused  something else was done under this mutation_id
--   PT422 invalid_argument        mutation_id, function or arguments are something else
--
-- What the function raises, this raises: then nothing was done, and the same mutation_id may be
-- tried again. Of two that come at once, the second waits, and gets the answer of the first.
-- Answers are known for mutation_days (private.settings); in passing, older ones are forgotten.
--
-- Definer rights: nobody may write down answers in any other way. Whatever the function is, callers
-- may call it themselves.
create function public.call_once(mutation_id text, function text, arguments jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.lock_caller();
  call   text;
  hash   bytea;
  known  private.client_mutations;
  answer jsonb;
begin
  if coalesce(mutation_id, '') !~ '^[ -~]{1,200}$' then
    raise exception 'mutation_id is 1 to 200 printable characters' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'mutation_id'),
      hint    = 'Make a UUID for each thing that is to be done, and keep it while trying.';
  end if;
  call := private.call_statement(call_once.function, call_once.arguments);
  hash := private.request_hash(call_once.function, call_once.arguments);

  loop
    -- Who does the same just now is waited for.
    insert into private.client_mutations as m (user_id, mutation_id, request_hash)
    values (caller, call_once.mutation_id, hash)
    on conflict do nothing;
    exit when found;

    select m.* into known
      from private.client_mutations as m
     where m.user_id = caller and m.mutation_id = call_once.mutation_id;
    if found then
      return private.replay(known, hash);
    end if;
  end loop;

  execute call into answer using call_once.arguments;

  update private.client_mutations as m
     set result = answer - 'token', has_secret = answer ? 'token'
   where m.user_id = caller and m.mutation_id = call_once.mutation_id;
  perform private.forget_mutations();
  return answer;
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
create function public.current_etags(entries jsonb) returns jsonb
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
        select private.composition_summary(c, a.role) ->> 'etag' as etag
          from public.user_compositions as c
         cross join lateral private.composition_access(c.id, e.user_id) as a
         where c.id = e.composition_id
           and c.deleted_at is null
           and c.current_version > 0
           and a.role is not null
      ) as h on true
  );
end;
$$;

-- Put a composition into the trash. Nobody but its owners sees it any more; its shares stay for
-- when it comes back.
--
--   composition_id  a composition the caller owns
--   base_version    the head that the caller has seen; null: whatever it is
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 not_composition_owner  readable, but the caller is no owner
--   PT409 version_conflict       saved by someone since base_version was read
--   PT410 composition_trashed    in the trash already
--
-- After trash_days (private.settings) it may be purged for good. Until then it counts for the
-- quota.
--
-- Definer rights: nobody may delete a composition in any other way.
create function public.delete_composition(composition_id uuid, base_version integer default null)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  composition public.user_compositions;
begin
  composition := private.lock_composition(delete_composition.composition_id, 'owner');

  if composition.current_version <> delete_composition.base_version then
    raise exception 'composition % is at version %, not %',
      composition.id, composition.current_version, delete_composition.base_version using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'version_conflict', 'head_version', composition.current_version
      ),
      hint    = 'Load the head, and delete it if it is still to go.';
  end if;

  update public.user_compositions as c
     set deleted_at = clock_timestamp()
   where c.id = delete_composition.composition_id
  returning c.* into composition;

  return private.write_summary(composition);
end;
$$;

-- Delete the caller's account, and all that hangs on it: at once, and for good.
--
--   email    the address of the account, in whatever case, so that nobody does it by accident; null
--            if it has none
--   returns  {user_id, owner_ids}: whom no token names any more, and who owns the organisations now
--            that the person belonged to: one of them may not have owned it before
--
-- Raises
--   PT401 not_signed_in      the token names nobody
--   PT401 account_not_found  the account of the token is gone
--   PT422 invalid_argument   the address is another one
--
-- What is personal goes, with its shares. An organisation's work stays with those who stay
-- (docs/life.md). export_my_data() first, if anything is to be kept.
--
-- Definer rights: callers have no access to accounts.
create function public.delete_my_account(email text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid   := private.caller_id();
  left_ids constant uuid[] := array(
    select m.organization_id from public.organization_members as m where m.user_id = caller
  );
begin
  -- No lock comes first: two who delete the same account would wait for each other.
  delete from auth.users as u
   where u.id = caller
     and lower(u.email) is not distinct from lower(delete_my_account.email);
  if found then
    return jsonb_build_object('user_id', caller, 'owner_ids', array(
      select distinct m.user_id
        from public.organization_members as m
       where m.organization_id = any (left_ids) and m.role = 'owner'
       order by m.user_id
    ));
  end if;

  perform private.lock_caller();
  raise exception 'that is not the address of this account' using
    errcode = 'PT422',
    detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'email'),
    hint    = 'Send the address that the account has.';
end;
$$;

-- Get a document by the hash of its content, which never changes.
--
--   content_hash  as versions have it: 64 digits, 0 to 9 and a to f
--   returns       {content_hash, document}
--
-- Raises
--   PT401 not_signed_in       the token names nobody
--   PT404 document_not_found  no version that the caller may view has this content; every time the
--                             same answer
--
-- What it takes depends on how much the caller may view, and not on what others have. Who knows a
-- composition is served faster by load_composition() and get_version().
--
-- Definer rights: content is for nobody to read but through a version.
create function public.get_document(content_hash text) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  hash  bytea;
  found jsonb;
begin
  perform private.caller_id();

  if content_hash ~ '^[0-9a-f]{64}$' then
    hash := decode(content_hash, 'hex');
    if private.may_view_content(hash) then
      select jsonb_build_object('content_hash', encode(hash, 'hex'), 'document', d.document)
        into found
        from public.compositions as d
       where d.content_hash = hash;
    end if;
  end if;

  if found is null then
    raise exception 'there is no such document' using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'document_not_found'),
      hint    = 'Take the content_hash of a version that you may view.';
  end if;
  return found;
end;
$$;

-- Load a composition: its head, and what is known about it.
--
--   composition_id  a composition the caller may view
--   known_etags     etags of answers that the caller has: the document of one of them is left out
--   returns         {composition_id, title, description, tags, owner_id, organization_id, role,
--                   version, content_hash, etag, updated_at, forked_from_id,
--                   forked_from_version, document?, unchanged?}; role is the caller's: 'owner',
--                   'editor' or 'viewer'; forked_from_… are null unless it is a fork; instead of
--                   the document, unchanged is true where the etag is one of known_etags
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- An etag stands for all of an answer, the role and the document as well: two people with the same
-- one have the same answer. Where the role rests on a share that ends by itself, the header
-- Access-Until of the answer says when, in milliseconds since 1970: at that moment the role ends,
-- or becomes a lower one.
--
-- It counts nothing and writes nothing, so that a read-only replica can serve it: whoever answers
-- loads reports them with record_usage().
--
-- Definer rights: asking for one role costs the same however much a person may see; reading
-- through the policies grows with it.
create function public.load_composition(composition_id uuid, known_etags text[] default '{}')
returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access  record :=
    private.composition_access(load_composition.composition_id, private.caller_id());
  head    public.user_compositions;
  summary jsonb;
begin
  select c.* into head
    from public.user_compositions as c
   where c.id = load_composition.composition_id;

  if access.role is null or head.deleted_at is not null then
    perform private.require_composition_role(load_composition.composition_id, 'viewer');
  end if;
  if access.until is not null then
    perform private.announce_end(access.until);
  end if;

  summary := private.composition_summary(head, access.role);

  if summary ->> 'etag' = any (known_etags) then
    return summary || '{"unchanged": true}';
  end if;
  return (
    -- Not ||, which would copy the document twice.
    select jsonb_set(summary, '{document}', d.document)
      from public.compositions as d
     where d.content_hash = head.current_hash
  );
end;
$$;

-- Load compositions as a viewer would, for a cache that has gone cold: what viewers have the same
-- etag for is the same for all of them.
--
--   composition_ids  at most 50
--   returns          [{composition_id, title, description, tags, owner_id, organization_id, role,
--                    version, content_hash, etag, updated_at, forked_from_id,
--                    forked_from_version, document}], in the same order; role is 'viewer'. What is
--                    gone or in the trash is left out
--
-- Raises
--   PT422 invalid_argument  more than 50, or null
--
-- A cache may keep these bodies; that somebody may see one, only their own load_composition() says.
--
-- Definer rights: jobs have no access to tables.
create function public.load_for_warming(composition_ids uuid[]) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if composition_ids is null or cardinality(composition_ids) > 50 then
    raise exception 'composition_ids are at most 50' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'composition_ids'),
      hint    = 'Load at most 50 at a time.';
  end if;

  return (
    select coalesce(
             jsonb_agg(
               jsonb_set(private.composition_summary(c, 'viewer'), '{document}', d.document)
               order by i.nth
             ),
             '[]'
           )
      from unnest(composition_ids) with ordinality as i (id, nth)
      join public.user_compositions as c on c.id = i.id
      join public.compositions as d on d.content_hash = c.current_hash
     where c.deleted_at is null
  );
end;
$$;

-- What caches must forget and have not acknowledged: for whoever keeps one, every few seconds, and
-- at once while there is more.
--
--   row_limit  1 to 1000
--   returns    [{id, composition_id, user_id, created_at, attempts}]: for everybody what is cached
--              of the composition, or for the person all that is; the other one is null
--
-- Raises
--   PT422 invalid_argument  row_limit is out of range
--
-- What was handed out comes again after 2 seconds, 4, and then every 8, until
-- acknowledge_invalidations() has its id; attempts counts. A new one is handed out 2 seconds after
-- it was written: before that, it is the webhook's. To forget twice, or in another order, does no
-- harm.
--
-- In passing it deletes what has been there for outbox_hours (private.settings).
--
-- Definer rights: jobs have no access to tables.
create function public.pending_invalidations(row_limit integer default 500) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if row_limit is null or row_limit not between 1 and 1000 then
    raise exception 'row_limit is from 1 to 1000, not %', row_limit using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'row_limit'),
      hint    = 'Take 1 to 1000 at a time.';
  end if;

  perform private.forget_invalidations();
  return (
    select coalesce(
             jsonb_agg(
               jsonb_build_object(
                 'id', o.id,
                 'composition_id', o.composition_id,
                 'user_id', o.user_id,
                 'created_at', o.created_at,
                 'attempts', o.attempts
               ) order by o.id
             ),
             '[]'
           )
      from private.claim_invalidations(pending_invalidations.row_limit) as o
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
-- In passing it deletes what caches never took out of the outbox (private.forget_invalidations()).
--
-- One run takes fewer compositions when they have long histories, and stays within the statement
-- timeout of the API. Runs at the same time share the work. What somebody holds, such as a
-- composition that is just being taken out of the trash, is left for the next run.
--
-- Definer rights: nobody may delete compositions in any other way.
create or replace function public.purge_trash(row_limit integer default 100) returns jsonb
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
  perform private.forget_invalidations();

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

-- Change what a composition is called and how it is found. Its content and its version stay.
--
--   composition_id  a composition the caller may edit
--   title           1 to 200 characters; null: as it is
--   description     at most 2000 characters; null: as it is
--   tags            at most 20; null: as they are
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       title, description or tags break their rule
--
-- The same as an update of the table, with an answer that says why not. Without any change nothing
-- is written.
--
-- Definer rights: callers may not lock rows.
create function public.update_metadata(
  composition_id uuid,
  title          text default null,
  description    text default null,
  tags           text[] default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  piece   public.user_compositions;
  changed public.user_compositions;
  broken  text;
begin
  piece := private.lock_composition(update_metadata.composition_id, 'editor');

  update public.user_compositions as c
     set title = coalesce(update_metadata.title, c.title),
         description = coalesce(update_metadata.description, c.description),
         tags = coalesce(update_metadata.tags, c.tags)
   where c.id = piece.id
     and (
       update_metadata.title <> c.title
       or update_metadata.description <> c.description
       or update_metadata.tags <> c.tags
     )
  returning c.* into changed;

  return private.write_summary(case when changed.id is null then piece else changed end);
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;

-- Who may do what to what caches must forget: nobody. Jobs call pending_invalidations() and
-- acknowledge_invalidations().

revoke all on private.cache_outbox from anon, authenticated, service_role;

-- Who may do what to what call_once() has done: nobody. It answers its caller.

revoke all on private.client_mutations from anon, authenticated, service_role;

-- Who may do what to the secrets: nobody. An operator calls private.configure_webhook(), as
-- postgres.

revoke all on private.secrets from anon, authenticated, service_role;

insert into private.settings (name, value, description)
values
  ('outbox_hours', 48, 'Hours after which no cache holds anything any more'),
  ('mutation_days', 7, 'Days for which call_once() knows what it has done');

-- The API: signed-in people.
grant execute on function
  public.call_once(text, text, jsonb),
  public.delete_composition(uuid, integer),
  public.delete_my_account(text),
  public.get_document(text),
  public.load_composition(uuid, text[]),
  public.update_metadata(uuid, text, text, text[])
to authenticated;

-- Jobs: a scheduler with the service key. They need nothing else, no table and no helper.
grant execute on function
  public.acknowledge_invalidations(jsonb),
  public.current_etags(jsonb),
  public.load_for_warming(uuid[]),
  public.pending_invalidations(integer)
to service_role;

-- Where pg_cron is, it tells the webhook again what got lost. Seconds need version 1.5.
do $$
begin
  if to_regprocedure('cron.schedule(text, text, text)') is not null then
    perform cron.schedule(
      'deliver invalidations', '5 seconds', 'select private.poke_overdue()'
    );
  end if;
exception
  when invalid_parameter_value then
    perform cron.schedule(
      'deliver invalidations', '* * * * *', 'select private.poke_overdue()'
    );
end;
$$;
