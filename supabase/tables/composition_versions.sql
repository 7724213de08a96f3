-- One saved state of a composition. Never changed once inserted, all but its label, which is what
-- makes (composition_id, version) a safe cache key of its content. private.settings says for how
-- long versions are kept at least: after that purge_versions() may delete old ones, so there may be
-- gaps, and parent_version may name a version that is gone.
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
  label          text,                             -- null: none

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
  constraint composition_versions_kind_known
    check (kind in ('create', 'fork', 'save', 'restore', 'merge', 'conflict', 'undo', 'upstream')),
  constraint composition_versions_message_length check (length(message) <= 1000),
  constraint composition_versions_label_length check (length(label) <= 100 and label ~ '\S')
);

comment on constraint composition_versions_message_length on public.composition_versions is
  'A message has at most 1000 characters.';
comment on constraint composition_versions_label_length on public.composition_versions is
  'A label has 1 to 100 characters, not all of them blank.';

-- As on user_compositions: no guesses about what others have.
alter table public.composition_versions
  alter column content_hash set statistics 0,
  alter column message set statistics 0,
  alter column label set statistics 0;

-- With the composition, for private.may_view_content().
create index composition_versions_content_hash_composition_id_idx
  on public.composition_versions (content_hash, composition_id);
create index composition_versions_author_id_idx on public.composition_versions (author_id);
-- Few: which compositions have versions after their head (purge_versions()).
create index composition_versions_conflict_composition_id_idx
  on public.composition_versions (composition_id) where kind = 'conflict';
-- What one turn of an agent made, for undo_turn().
create index composition_versions_author_id_turn_idx
  on public.composition_versions (author_id, (origin ->> 'turn'))
  where origin ? 'turn';

alter table public.composition_versions enable row level security;
