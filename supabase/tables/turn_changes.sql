-- What was done in a turn of an agent beside versions, which say themselves in which turn they were
-- made: layers and pins as they were before and after, so that undo_turn() can bring them back. It
-- is forgotten after turn_days (private.settings).
create table private.turn_changes (
  id              bigint      generated always as identity,
  user_id         uuid        not null,
  turn            text        not null,
  conversation    text        not null,            -- '': none was named
  kind            text        not null,
  -- What was changed: a layer or a pin by its organisation, or by none if it is the person's own.
  composition_id  uuid,                            -- null: a pin
  organization_id uuid,
  context         text,                            -- of a pin
  before          jsonb,                           -- the row; null: there was none
  after           jsonb,                           -- the row; null: there is none
  base_hash       bytea,                           -- content that `before` needs to come back
  created_at      timestamptz not null default clock_timestamp(),
  undone          jsonb,                           -- who took it back and how; null: nobody

  constraint turn_changes_pkey primary key (id),
  constraint turn_changes_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint turn_changes_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint turn_changes_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint turn_changes_base_hash_fkey
    foreign key (base_hash) references public.compositions (content_hash),
  constraint turn_changes_kind_known check (kind in ('layer', 'pin', 'upstream', 'trash'))
);

create index turn_changes_user_id_turn_idx on private.turn_changes (user_id, turn);
create index turn_changes_composition_id_idx on private.turn_changes (composition_id);
create index turn_changes_organization_id_idx on private.turn_changes (organization_id);
create index turn_changes_base_hash_idx on private.turn_changes (base_hash);
create index turn_changes_created_at_idx on private.turn_changes (created_at);

alter table private.turn_changes enable row level security;
