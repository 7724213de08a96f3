-- Links to compositions, and invitations to organisations.
--
-- No release has the table that changes, and all of this is one transaction: what a lock could be
-- spared by coming later would come within the same one.

set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- An invitation to an organisation: whoever has the mailbox that its token was sent to may become
-- a member. It is gone once it is accepted.
create table public.organization_invitations (
  id              uuid        not null default gen_random_uuid(),
  organization_id uuid        not null,
  email           text        not null,            -- lower case
  role            text        not null,
  token_hash      bytea       not null,            -- sha256 of the token
  expires_at      timestamptz not null,
  created_by      uuid        not null default auth.uid(),
  created_at      timestamptz not null default now(),

  constraint organization_invitations_pkey primary key (id),
  constraint organization_invitations_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint organization_invitations_created_by_fkey
    foreign key (created_by) references auth.users (id) on delete cascade,
  constraint organization_invitations_email_once unique (organization_id, email),
  constraint organization_invitations_email_valid check (
    length(email) <= 320
    and email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'
    and email = lower(email)
  ),
  constraint organization_invitations_role_known check (role in ('owner', 'admin', 'member')),
  constraint organization_invitations_token_hash_once unique (token_hash),
  constraint organization_invitations_token_hash_length check (octet_length(token_hash) = 32)
);

comment on constraint organization_invitations_email_valid on public.organization_invitations is
  'An address has one @ with something on both sides, no blanks, and at most 320 characters.';
comment on constraint organization_invitations_role_known on public.organization_invitations is
  'An invitation is for an owner, an admin or a member.';

create index organization_invitations_created_by_idx
  on public.organization_invitations (created_by);

alter table public.organization_invitations enable row level security;

-- A link is a share without a person or an organisation.
alter table public.shared_compositions
  add column token_hash bytea,
  add column link_id uuid,
  drop constraint shared_compositions_grantee_once,
  drop constraint shared_compositions_one_grantee;

alter table public.shared_compositions
  add constraint shared_compositions_link_id_fkey
    foreign key (link_id) references public.shared_compositions (id) on delete cascade,
  add constraint shared_compositions_grantee_once
    unique nulls not distinct (composition_id, user_id, organization_id, link_id, token_hash),
  add constraint shared_compositions_token_hash_once unique (token_hash),
  add constraint shared_compositions_token_hash_length check (octet_length(token_hash) = 32),
  add constraint shared_compositions_link_id_of_person
    check (link_id is null or user_id is not null),
  add constraint shared_compositions_one_grantee
    check (num_nonnulls(user_id, organization_id, token_hash) = 1);

comment on constraint shared_compositions_one_grantee on public.shared_compositions is
  'A share names one grantee: user_id, organization_id, or the token of a link.';

create index shared_compositions_link_id_idx on public.shared_compositions (link_id);

insert into private.settings (name, value, description)
values
  ('max_shares_per_composition', 1000, 'Shares of a composition with people and organisations'),
  ('max_links_per_composition', 100, 'Links to a composition, expired or not'),
  ('max_invitations_per_organization', 1000, 'Invitations to an organisation, expired or not'),
  ('invitation_days', 7, 'Days after which an invitation expires');

-- End a membership, and with it what invitation of the same person is still open: who was removed
-- does not come back by one that was made before. With its last member an organisation is deleted,
-- and what was in it.
--
--   member   the row, of an organisation locked by private.lock_organization()
--   returns  the membership that ended: {organization_id, user_id, role, created_at}
--
-- Raises
--   PT409 last_owner  the organisation would be without an owner
--
-- Definer rights: nobody may write members or invitations in any other way.
create or replace function private.end_membership(member public.organization_members) returns jsonb
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

  delete from public.organization_invitations as i
   using auth.users as u
   where u.id = member.user_id
     and i.organization_id = member.organization_id
     and i.email = lower(u.email);

  perform private.close_organization(member.organization_id);
  return private.member_summary(member);
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
           and s.user_id = caller
           and (s.expires_at is null or s.expires_at > now())
        union all
        select case s.role when 'editor' then 2 else 1 end
          from public.shared_compositions as s
          join public.organization_members as m
            on m.organization_id = s.organization_id and m.user_id = caller
         where s.composition_id = c.id
           and s.user_id is null  -- past those of persons, in the index
           and (s.expires_at is null or s.expires_at > now())
      ) as held
     where c.id = composition_role.composition_id
       and (c.deleted_at is null or held.rank = 3)
  );
end;
$$;

-- The link that a token belongs to.
--
--   token    any text, or null
--   returns  its row of shared_compositions
--
-- Raises
--   PT404 link_not_found  no link has this token, it has ended, or what it leads to is in the trash
--
-- Definer rights: whoever has the token may be anyone.
create function private.find_link(token text) returns public.shared_compositions
language plpgsql stable security definer
set search_path = ''
as $$
declare
  link public.shared_compositions;
begin
  select s.* into link
    from public.shared_compositions as s
    join public.user_compositions as c on c.id = s.composition_id
   where s.token_hash = private.hash_token(find_link.token)
     and c.deleted_at is null
     and (s.expires_at is null or s.expires_at > now());

  if link.id is null then
    perform private.refuse_unknown_link();
  end if;
  return link;
end;
$$;

-- The role in an organisation that it takes to give a role to somebody.
--
--   role     the role that is given
--   returns  'owner' for an owner or an admin, 'admin' for anything else
create function private.granting_role(role text) returns text
language sql immutable
set search_path = ''
as $$
  select case when role in ('owner', 'admin') then 'owner' else 'admin' end;
$$;

-- What is kept of a token.
--
--   token    any text, or null
--   returns  its sha256, or null: it is longer or shorter than what private.new_token() makes, and
--            not looked at
create function private.hash_token(token text) returns bytea
language sql immutable
set search_path = ''
as $$
  select case when octet_length(token) = 43 then sha256(convert_to(token, 'UTF8')) end;
$$;

-- An invitation as answers show it: without its token, which nobody has but whom it was sent to.
--
--   invitation  a row of organization_invitations that the caller may read
--   returns     {invitation_id, organization_id, email, role, expires_at, created_by, created_at}
create function private.invitation_summary(invitation public.organization_invitations)
returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'invitation_id', invitation.id,
    'organization_id', invitation.organization_id,
    'email', invitation.email,
    'role', invitation.role,
    'expires_at', invitation.expires_at,
    'created_by', invitation.created_by,
    'created_at', invitation.created_at
  );
$$;

-- A token for a link or an invitation: who has it may use it. Only its hash is kept
-- (private.hash_token()), so it is shown once and cannot be looked up.
--
--   returns  43 characters of base64url: 32 bytes, 244 bits of them random
--
-- Two version 4 UUIDs: Postgres draws them from the cryptographic source of the system, and needs
-- no extension for that.
create function private.new_token() returns text
language sql volatile
set search_path = ''
as $$
  select rtrim(
    translate(
      encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), '+/', '-_'
    ),
    '='
  );
$$;

-- Share a composition with a person or an organisation, or change the share that there is.
--
--   composition_id   a composition locked by the caller
--   role             'viewer' or 'editor'
--   user_id          the person …
--   organization_id  … or the organisation
--   expires_at       when the share ends by itself; null: when it is revoked
--   link_id          the link that the person came by; null: given directly
--   returns          the row
--
-- Raises
--   PT403 quota_exceeded  the composition has as many shares as it may have
--
-- Definer rights: nobody may write shares in any other way.
create function private.put_share(
  composition_id  uuid,
  role            text,
  user_id         uuid,
  organization_id uuid,
  expires_at      timestamptz,
  link_id         uuid default null
) returns public.shared_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  share public.shared_compositions;
begin
  if not exists (
    select from public.shared_compositions as s
     where s.composition_id = put_share.composition_id
       and s.user_id is not distinct from put_share.user_id
       and s.organization_id is not distinct from put_share.organization_id
       and s.link_id is not distinct from put_share.link_id
       and s.token_hash is null
  ) then
    perform private.require_room('max_shares_per_composition', (
      select count(*)
        from public.shared_compositions as s
       where s.composition_id = put_share.composition_id
         and s.token_hash is null
    ));
  end if;

  insert into public.shared_compositions as s
    (composition_id, user_id, organization_id, role, expires_at, link_id)
  values
    (put_share.composition_id, put_share.user_id, put_share.organization_id, put_share.role,
     put_share.expires_at, put_share.link_id)
  on conflict on constraint shared_compositions_grantee_once do update
     set role = excluded.role, expires_at = excluded.expires_at
  returning s.* into share;
  return share;
end;
$$;

-- Refuse to add a person who is a member already.
--
--   user_id  the person
--
-- Raises
--   PT409 already_member  always
create function private.refuse_known_member(user_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'user % is a member already', user_id using
    errcode = 'PT409',
    detail  = jsonb_build_object('code', 'already_member'),
    hint    = 'Change the role with set_organization_role().';
end;
$$;

-- Refuse an invitation that does not exist for the caller.
--
-- Raises
--   PT404 invitation_not_found  always, and always in the same words
create function private.refuse_unknown_invitation() returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'there is no such invitation' using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'invitation_not_found'),
    hint    = 'Sign in with the address that was invited. It may have ended: ask for a new one.';
end;
$$;

-- Refuse a link that does not exist for the caller.
--
-- Raises
--   PT404 link_not_found  always, and always in the same words
create function private.refuse_unknown_link() returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'there is no such link' using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'link_not_found'),
    hint    = 'Check the token or the id. It may have ended: ask an owner for a new link.';
end;
$$;

-- Refuse an organisation that does not exist for the caller.
--
--   organization_id  the id
--
-- Raises
--   PT404 organization_not_found  always
create function private.refuse_unknown_organization(organization_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'organisation % not found', organization_id using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'organization_not_found'),
    hint    = 'Check the id, or ask an owner of it to add you.';
end;
$$;

-- The invitation that the caller may accept with a token.
--
--   token    any text, or null
--   returns  its row
--
-- Raises
--   PT401 not_signed_in         the token of the session names nobody
--   PT404 invitation_not_found  no invitation has this token, it has ended, it is for another
--                               address than that of the caller's account, or who made it may not
--                               give this role any more
--
-- The address is the one that the account has now. Whether it was confirmed does not matter: the
-- token was sent there, so who has it can read that mailbox.
--
-- Definer rights: callers have no access to invitations and accounts.
create function private.require_invitation(token text) returns public.organization_invitations
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller     constant uuid := private.caller_id();
  invitation public.organization_invitations;
begin
  select i.* into invitation
    from public.organization_invitations as i
    join auth.users as u on u.id = caller and lower(u.email) = i.email
    join public.organization_members as m
      on m.organization_id = i.organization_id
     and m.user_id = i.created_by
     and m.role in ('owner', private.granting_role(i.role))
   where i.token_hash = private.hash_token(require_invitation.token)
     and i.expires_at > now();

  if invitation.id is null then
    perform private.refuse_unknown_invitation();
  end if;
  return invitation;
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
create or replace function private.require_organization_role(organization_id uuid, required text)
returns text
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
    perform private.refuse_unknown_organization(require_organization_role.organization_id);
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

-- Refuse one more of something when there are as many as a setting allows.
--
--   setting  a row of private.settings
--   taken    how many there are, counted under a lock that whoever adds one holds
--
-- Raises
--   PT403 quota_exceeded  there is no room for another one
create function private.require_room(setting text, taken bigint) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  quota constant bigint := private.setting(require_room.setting);
begin
  if taken >= quota then
    raise exception 'there are % already, which is all that % allows',
      quota, require_room.setting using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'quota_exceeded', 'quota', quota),
      hint    = 'Purge or take back what is no longer needed.';
  end if;
end;
$$;

-- Refuse an end of a share that has passed or never comes.
--
--   expires_at  null: until revoked
--
-- Raises
--   PT422 invalid_argument  not in the future, or infinite
create function private.require_time_to_come(expires_at timestamptz) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if expires_at <= now() or not isfinite(expires_at) then
    raise exception 'expires_at is no time to come' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'expires_at'),
      hint    = 'Send a time in the future, or null for a share that lasts until it is revoked.';
  end if;
end;
$$;

-- A share as answers show it.
--
--   share    a row of shared_compositions that the caller may read
--   returns  {composition_id, user_id, organization_id, link_id, role, expires_at, created_by,
--            created_at}; link_id is the link itself where there is neither a person nor an
--            organisation, and the link that the person came by otherwise
create or replace function private.share_summary(share public.shared_compositions) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'composition_id', share.composition_id,
    'user_id', share.user_id,
    'organization_id', share.organization_id,
    'link_id', case when share.token_hash is null then share.link_id else share.id end,
    'role', share.role,
    'expires_at', share.expires_at,
    'created_by', share.created_by,
    'created_at', share.created_at
  );
$$;

-- Become a member of an organisation by an invitation, which is used up by that.
--
--   token    what invite_to_organization() returned, sent to the address of the caller's account
--   returns  {organization_id, user_id, role, created_at}
--
-- Raises
--   PT401 not_signed_in         the token of the session names nobody
--   PT401 account_not_found     the account of that token is gone
--   PT404 invitation_not_found  no invitation has this token, it has ended, it is for another
--                               address than that of the caller's account, or who made it may not
--                               give this role any more; every time the same answer
--   PT409 already_member        the role stays as it is, and so does the invitation
--
-- Definer rights: nobody may write members in any other way.
create function public.accept_invitation(token text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  invitation public.organization_invitations;
  member     public.organization_members;
  caller     uuid;
begin
  -- Before the locks: who is not invited cannot hold anyone up.
  invitation := private.require_invitation(accept_invitation.token);
  caller := private.lock_caller();
  -- As private.lock_organization(), which is for members.
  perform from public.organizations as o
    where o.id = invitation.organization_id
      for no key update;
  -- And after them: whoever held them may have been using it, revoking it, or losing the right to
  -- make it.
  invitation := private.require_invitation(accept_invitation.token);

  insert into public.organization_members as m (organization_id, user_id, role)
  values (invitation.organization_id, caller, invitation.role)
  returning m.* into member;

  delete from public.organization_invitations as i where i.id = invitation.id;
  return private.member_summary(member);
exception
  when unique_violation then
    perform private.refuse_known_member(caller);
end;
$$;

-- Take the role of a link in person. It is what makes an editor's link useful: saving needs a
-- person, and from then on the composition is among those that list_my_compositions() returns.
--
--   token    what create_share_link() returned
--   returns  {composition_id, user_id, organization_id: null, link_id, role, expires_at,
--            created_by, created_at}; the same again if the caller had accepted it before
--
-- Raises
--   PT401 not_signed_in      the token of the session names nobody
--   PT401 account_not_found  the account of that token is gone
--   PT403 quota_exceeded     the composition has as many shares as it may have
--   PT404 link_not_found     no link has this token, or it has ended; every time the same answer
--   PT409 already_owner      the caller owns the composition: no link gives more
--
-- What was taken ends when the link does, by itself or by revoke_share_link().
--
-- Definer rights: nobody may write shares in any other way.
create function public.accept_share_link(token text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid := private.caller_id();
  link   public.shared_compositions;
begin
  -- Before the locks: who has no link cannot hold anyone up.
  link := private.find_link(accept_share_link.token);
  caller := private.lock_caller();
  perform from public.user_compositions as c where c.id = link.composition_id for no key update;
  -- And after them: whoever held them may have been revoking it.
  link := private.find_link(accept_share_link.token);

  if private.composition_role(link.composition_id) = 'owner' then
    raise exception 'you own composition %', link.composition_id using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'already_owner', 'composition_id', link.composition_id
      ),
      hint    = 'Load it: an owner needs no link.';
  end if;

  return private.share_summary(private.put_share(
    composition_id  => link.composition_id,
    role            => link.role,
    user_id         => caller,
    organization_id => null,
    expires_at      => link.expires_at,
    link_id         => link.id
  ));
end;
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
create or replace function public.add_organization_member(
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
    private.granting_role(add_organization_member.role)
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
    perform private.refuse_known_member(add_organization_member.user_id);
end;
$$;

-- Make a link to a composition: whoever has its token may look (open_share_link()), signed in or
-- not, and who is signed in may take its role for themselves (accept_share_link()).
--
--   composition_id  a composition the caller owns
--   role            'viewer' or 'editor'
--   expires_at      when the link ends by itself; null: when it is revoked
--   returns         {link_id, composition_id, role, expires_at, created_by, created_at, token};
--                   token is 43 characters of base64url, 244 random bits, and shown this once: only
--                   its hash is kept
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 not_composition_owner  readable, but the caller is no owner
--   PT403 quota_exceeded         the composition has as many links as it may have
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       no such role, or an end that is past
--
-- Definer rights: nobody may write shares in any other way.
create function public.create_share_link(
  composition_id uuid,
  role           text,
  expires_at     timestamptz default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  token    constant text := private.new_token();
  piece    public.user_compositions;
  link     public.shared_compositions;
  broken   text;
  argument text;
begin
  piece := private.lock_composition(create_share_link.composition_id, 'owner');
  perform private.require_time_to_come(create_share_link.expires_at);
  perform private.require_room('max_links_per_composition', (
    select count(*)
      from public.shared_compositions as s
     where s.composition_id = piece.id
       and s.token_hash is not null
  ));

  insert into public.shared_compositions as s (composition_id, role, expires_at, token_hash)
  values (piece.id, create_share_link.role, create_share_link.expires_at,
          private.hash_token(token))
  returning s.* into link;

  return jsonb_build_object(
    'link_id', link.id,
    'composition_id', link.composition_id,
    'role', link.role,
    'expires_at', link.expires_at,
    'created_by', link.created_by,
    'created_at', link.created_at,
    'token', token
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;

-- Invite whoever has an e-mail address to an organisation. The host sends the token there, and
-- nowhere else: that somebody has it is the proof that the mailbox is theirs.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   email            1 address, at most 320 characters; kept in lower case
--   role             'member'; an owner may also invite an 'admin' or an 'owner'
--   returns          {invitation_id, organization_id, email, role, expires_at, created_by,
--                    created_at, token}; token is 43 characters of base64url, 244 random bits, and
--                    shown this once: only its hash is kept
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, of a lower role than this needs, or than the
--                                    invitation needed that this one replaces
--   PT403 quota_exceeded             the organisation has as many invitations as it may have
--   PT422 invalid_argument           no address, or no such role
--
-- An invitation of the same address is replaced: its token opens nothing any more. Whether somebody
-- has an account with that address plays no part, so the answer cannot tell.
--
-- Definer rights: nobody may write invitations in any other way.
create function public.invite_to_organization(
  organization_id uuid,
  email           text,
  role            text
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  token      constant text := private.new_token();
  -- One character more than there may be, so that it is refused without being read.
  address    constant text := lower(left(invite_to_organization.email, 321));
  -- Within what a timestamp can hold, however long an operator wants to wait.
  days       constant integer := least(private.setting('invitation_days'), 1000000);
  invitation public.organization_invitations;
  broken     text;
  argument   text;
begin
  perform private.lock_organization(
    invite_to_organization.organization_id, private.granting_role(invite_to_organization.role)
  );

  delete from public.organization_invitations as i
   where i.organization_id = invite_to_organization.organization_id
     and i.email = address
  returning i.* into invitation;
  if invitation.id is not null then
    perform private.require_organization_role(
      invitation.organization_id, private.granting_role(invitation.role)
    );
  end if;

  perform private.require_room('max_invitations_per_organization', (
    select count(*)
      from public.organization_invitations as i
     where i.organization_id = invite_to_organization.organization_id
  ));

  insert into public.organization_invitations as i
    (organization_id, email, role, token_hash, expires_at)
  values
    (invite_to_organization.organization_id, address, invite_to_organization.role,
     private.hash_token(token), now() + make_interval(days => days))
  returning i.* into invitation;

  return private.invitation_summary(invitation) || jsonb_build_object('token', token);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;

-- List the invitations to an organisation that nobody has accepted, oldest first.
--
--   organization_id  an organisation in which the caller is an admin or an owner
--   returns          [{invitation_id, organization_id, email, role, expires_at, created_by,
--                    created_at}], expired ones included
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT404 organization_not_found     absent, or the caller is no member
--   PT403 organization_role_too_low  a member, but neither an admin nor an owner
--
-- Definer rights: callers have no access to invitations.
create function public.list_invitations(organization_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_organization_role(list_invitations.organization_id, 'admin');
  return (
    select coalesce(jsonb_agg(private.invitation_summary(i) order by i.created_at, i.id), '[]')
      from public.organization_invitations as i
     where i.organization_id = list_invitations.organization_id
  );
end;
$$;

-- Open a link: the composition as load_composition() shows it, for whoever has the token, signed in
-- or not.
--
--   token    what create_share_link() returned
--   returns  {composition_id, title, description, tags, owner_id, organization_id, role, version,
--            content_hash, etag, updated_at, forked_from_id, forked_from_version, document}; role
--            is the link's
--
-- Raises
--   PT404 link_not_found  no link has this token, or it has ended; every time the same answer
--
-- To change what an editor's link shows, or to find it among one's own, accept_share_link().
--
-- Definer rights: the token alone decides, whoever sends it.
create function public.open_share_link(token text) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  link constant public.shared_compositions := private.find_link(open_share_link.token);
begin
  return (
    -- Not ||, which would copy the document twice.
    select jsonb_set(private.composition_summary(c, link.role), '{document}', d.document)
      from public.user_compositions as c
      join public.compositions as d on d.content_hash = c.current_hash
     where c.id = link.composition_id
  );
end;
$$;

-- Take an invitation back.
--
--   invitation_id  an invitation to an organisation in which the caller is an admin or an owner;
--                  only an owner may take back that of an admin or an owner
--   returns        the invitation that ended: {invitation_id, organization_id, email, role,
--                  expires_at, created_by, created_at}
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT404 invitation_not_found       absent, used, or not shown to the caller by list_invitations()
--   PT404 organization_not_found     the caller's membership was ended just now
--   PT403 organization_role_too_low  of a lower role than this needs
--
-- Definer rights: nobody may delete invitations in any other way.
create function public.revoke_invitation(invitation_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller     constant uuid := private.caller_id();
  invitation public.organization_invitations;
begin
  select i.* into invitation
    from public.organization_invitations as i
    join public.organization_members as m
      on m.organization_id = i.organization_id
     and m.user_id = caller
     and m.role in ('owner', 'admin')
   where i.id = revoke_invitation.invitation_id;
  if invitation.id is null then
    perform private.refuse_unknown_invitation();
  end if;

  perform private.lock_organization(
    invitation.organization_id, private.granting_role(invitation.role)
  );

  delete from public.organization_invitations as i
   where i.id = invitation.id
  returning i.* into invitation;
  if invitation.id is null then
    perform private.refuse_unknown_invitation();
  end if;
  return private.invitation_summary(invitation);
end;
$$;

-- Take a link back, and with it what people got through it.
--
--   link_id  a link to a composition the caller owns
--   returns  the link that ended: {composition_id, user_id: null, organization_id: null, link_id,
--            role, expires_at, created_by, created_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 link_not_found         absent, no link, or to a composition that the caller does not own
--   PT404 composition_not_found  what made the caller an owner was taken away just now
--   PT403 not_composition_owner  likewise, and the caller may still read it
--   PT410 composition_trashed    in the trash
--
-- Once it has returned, no save of who came by the link can commit any more, unless they have the
-- role in another way: both wait for the same lock.
--
-- Definer rights: nobody may delete shares in any other way.
create function public.revoke_share_link(link_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  link public.shared_compositions;
begin
  perform private.caller_id();

  select s.* into link
    from public.shared_compositions as s
   where s.id = revoke_share_link.link_id
     and s.token_hash is not null
     and private.composition_role(s.composition_id) = 'owner';
  if link.id is null then
    perform private.refuse_unknown_link();
  end if;

  perform private.lock_composition(link.composition_id, 'owner');

  delete from public.shared_compositions as s where s.id = link.id returning s.* into link;
  if link.id is null then
    perform private.refuse_unknown_link();
  end if;
  return private.share_summary(link);
end;
$$;

-- Share a composition with a person or an organisation, or change the role or the end of a share.
--
--   composition_id   a composition the caller owns
--   role             'viewer' or 'editor'
--   user_id          the person …
--   organization_id  … or an organisation that the caller belongs to
--   expires_at       when the share ends by itself; null: when it is revoked
--   returns          {composition_id, user_id, organization_id, link_id: null, role, expires_at,
--                    created_by, created_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 user_not_found          there is no such account
--   PT404 organization_not_found  absent, or the caller is no member
--   PT403 not_composition_owner   readable, but the caller is no owner
--   PT403 quota_exceeded          the composition has as many shares as it may have
--   PT410 composition_trashed     in the trash
--   PT422 invalid_argument        not one grantee, the owner as grantee, no such role, or an end
--                                 that is past
--
-- Definer rights: nobody may write shares in any other way.
create or replace function public.share_composition(
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
  -- Accounts before compositions. The role is asked first: a stranger cannot hold anyone up.
  perform private.require_composition_role(share_composition.composition_id, 'owner');
  perform private.lock_caller();
  perform from auth.users as u where u.id = share_composition.user_id for key share;
  piece := private.lock_composition(share_composition.composition_id, 'owner');

  if share_composition.organization_id is not null then
    perform private.require_organization_role(share_composition.organization_id, 'member');
  end if;

  perform private.require_time_to_come(share_composition.expires_at);

  if piece.owner_id = share_composition.user_id then
    raise exception 'the owner needs no share' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'user_id'),
      hint    = 'Share with someone else than the owner.';
  end if;

  share := private.put_share(
    composition_id  => piece.id,
    role            => share_composition.role,
    user_id         => share_composition.user_id,
    organization_id => share_composition.organization_id,
    expires_at      => share_composition.expires_at
  );
  return private.share_summary(share);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
  when foreign_key_violation then
    get stacked diagnostics broken = constraint_name;
    if broken = 'shared_compositions_organization_id_fkey' then  -- deleted since the check above
      perform private.refuse_unknown_organization(share_composition.organization_id);
    end if;
    perform private.refuse_unknown_user(share_composition.user_id);
end;
$$;

-- Take a share back. Its owner may, and so may the person it was given to.
--
--   composition_id   a composition the caller owns, or that is or was shared with them
--   user_id          the person: what they came to through links ends with what they were given …
--   organization_id  … or the organisation that it was shared with
--   returns          the share that ended: {composition_id, user_id, organization_id, link_id,
--                    role, expires_at, created_by, created_at}; of several, one that made an editor
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 share_not_found        it is not shared with this grantee
--   PT403 not_composition_owner  readable, but the caller is no owner
--   PT410 composition_trashed    in the trash
--
-- Once it has returned, no save of the grantee can commit any more: both wait for the same lock.
-- Whoever came by a link can come by it again: revoke_share_link() ends that.
--
-- Definer rights: nobody may delete shares in any other way.
create or replace function public.unshare_composition(
  composition_id  uuid,
  user_id         uuid default null,
  organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  share  public.shared_compositions;
begin
  if unshare_composition.user_id = caller and exists (
    select from public.shared_compositions as s
     where s.composition_id = unshare_composition.composition_id
       and s.user_id = caller
  ) then
    -- One's own needs no role: it may have expired.
    perform private.lock_caller();
    perform from public.user_compositions as c
      where c.id = unshare_composition.composition_id
        for no key update;
  else
    perform private.lock_composition(
      unshare_composition.composition_id,
      case when unshare_composition.user_id = caller then 'viewer' else 'owner' end
    );
  end if;

  with ended as (
    delete from public.shared_compositions as s
     where s.composition_id = unshare_composition.composition_id
       and s.user_id is not distinct from unshare_composition.user_id
       and s.organization_id is not distinct from unshare_composition.organization_id
       and s.token_hash is null
    returning s.*
  )
  select e.* into share
    from ended as e
   order by e.role = 'editor' desc, e.created_at, e.id
   limit 1;

  if share.id is null then
    raise exception 'composition % has no such share', unshare_composition.composition_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'share_not_found'),
      hint    = 'Pick one that list_shares() returns.';
  end if;
  return private.share_summary(share);
end;
$$;

-- Who may do what to an invitation. By the table nobody may do anything: the functions tell admins
-- and owners what they may see.
--
--            stranger  invited  member  admin  owner
--   select      -         -       -       -      -    list_invitations()
--   insert      -         -       -       -      -    invite_to_organization()
--   update      -         -       -       -      -
--   delete      -         -       -       -      -    accept_invitation(), revoke_invitation()

revoke all on public.organization_invitations from anon, authenticated, service_role;

grant execute on function
  public.accept_invitation(text),
  public.accept_share_link(text),
  public.create_share_link(uuid, text, timestamptz),
  public.invite_to_organization(uuid, text, text),
  public.list_invitations(uuid),
  public.open_share_link(text),
  public.revoke_invitation(uuid),
  public.revoke_share_link(uuid)
to authenticated;

-- A link opens for whoever has it, signed in or not. Nothing else is for anon.
grant execute on function public.open_share_link(text) to anon;
