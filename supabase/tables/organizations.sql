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
