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
