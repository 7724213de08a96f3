-- A composition: a name, an owner, and the head of a history. What it looks like is in its
-- versions; what it is called and who may see it is here, so restoring content moves no permission.
--
-- forked_from_id is no foreign key: it says where a fork came from, and must not tell its owner
-- whether that is still there.
create table public.user_compositions (
  id                  uuid        not null default gen_random_uuid(),
  owner_id            uuid        not null,
  organization_id     uuid,                            -- null: personal
  title               text        not null,
  description         text        not null default '',
  tags                text[]      not null default '{}',
  current_version     integer     not null default 0,  -- 0: nothing saved yet
  current_hash        bytea,                           -- null: nothing saved yet
  created_at          timestamptz not null default now(),
  updated_at          timestamptz not null default clock_timestamp(),
  deleted_at          timestamptz,                     -- null: not in the trash
  forked_from_id      uuid,                            -- null: no fork
  forked_from_version integer,
  search_text         text        not null default '',  -- kept by private.set_search_text()

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
    check ((current_version = 0) = (current_hash is null) and current_version >= 0),
  constraint user_compositions_fork_complete
    check ((forked_from_id is null) = (forked_from_version is null))
);

comment on constraint user_compositions_title_length on public.user_compositions is
  'A title has 1 to 200 characters, not all of them blank.';
comment on constraint user_compositions_description_length on public.user_compositions is
  'A description has at most 2000 characters.';
comment on constraint user_compositions_tags_valid on public.user_compositions is
  'A flat list of at most 20 tags, none null or empty, together at most 1000 characters.';

-- The planner's guesses are public (PostgREST's count=planned), row level security or not. Without
-- statistics it has none about a title, a tag or a content that somebody looks for.
alter table public.user_compositions
  alter column title set statistics 0,
  alter column description set statistics 0,
  alter column tags set statistics 0,
  alter column current_hash set statistics 0,
  alter column search_text set statistics 0;

-- Newest first, by owner and by organisation: the order in which lists are paged.
create index user_compositions_owner_id_updated_at_id_idx
  on public.user_compositions (owner_id, updated_at desc, id desc);
create index user_compositions_organization_id_updated_at_id_idx
  on public.user_compositions (organization_id, updated_at desc, id desc);
create index user_compositions_current_hash_idx on public.user_compositions (current_hash);
-- The trash, which is small beside the rest: by owner, by organisation, and the oldest first.
create index user_compositions_trash_owner_id_idx
  on public.user_compositions (owner_id, updated_at desc, id desc) where deleted_at is not null;
create index user_compositions_trash_organization_id_idx
  on public.user_compositions (organization_id, updated_at desc, id desc)
  where deleted_at is not null;
create index user_compositions_trash_deleted_at_idx
  on public.user_compositions (deleted_at) where deleted_at is not null;

alter table public.user_compositions enable row level security;
