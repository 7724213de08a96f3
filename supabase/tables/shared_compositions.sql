-- A grant on a composition to one person, one organisation, or whoever has the token of a link.
--
-- A link gives nobody anything by itself: open_share_link() shows the composition to who sends the
-- token, accept_share_link() gives them a share in person, which ends with the link.
create table public.shared_compositions (
  id              uuid        not null default gen_random_uuid(),
  composition_id  uuid        not null,
  user_id         uuid,
  organization_id uuid,
  role            text        not null,
  expires_at      timestamptz,                     -- null: until revoked
  created_by      uuid        default auth.uid(),  -- null: the account is gone
  created_at      timestamptz not null default now(),
  token_hash      bytea,                           -- sha256 of a link's token; null: no link
  link_id         uuid,                            -- the link a person came by; null: none

  constraint shared_compositions_pkey primary key (id),
  constraint shared_compositions_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint shared_compositions_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint shared_compositions_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint shared_compositions_created_by_fkey
    foreign key (created_by) references auth.users (id) on delete set null,
  constraint shared_compositions_link_id_fkey
    foreign key (link_id) references public.shared_compositions (id) on delete cascade,
  constraint shared_compositions_grantee_once
    unique nulls not distinct (composition_id, user_id, organization_id, link_id, token_hash),
  constraint shared_compositions_token_hash_once unique (token_hash),
  constraint shared_compositions_token_hash_length check (octet_length(token_hash) = 32),
  constraint shared_compositions_link_id_of_person check (link_id is null or user_id is not null),
  constraint shared_compositions_one_grantee
    check (num_nonnulls(user_id, organization_id, token_hash) = 1),
  constraint shared_compositions_role_known check (role in ('viewer', 'editor'))
);

comment on constraint shared_compositions_one_grantee on public.shared_compositions is
  'A share names one grantee: user_id, organization_id, or the token of a link.';
comment on constraint shared_compositions_role_known on public.shared_compositions is
  'A share makes its grantee a viewer or an editor.';

create index shared_compositions_user_id_idx on public.shared_compositions (user_id);
create index shared_compositions_organization_id_idx
  on public.shared_compositions (organization_id);
create index shared_compositions_created_by_idx on public.shared_compositions (created_by);
create index shared_compositions_link_id_idx on public.shared_compositions (link_id);

alter table public.shared_compositions enable row level security;
