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
