-- What a person, or an organisation, has changed for themselves about a composition: a patch on top
-- of it, never a version of it. Loads put it on the head (private.layered()); reset_layer() takes
-- it away, and what is beneath is as it was.
--
-- The patch is remembered with the document that it was made on, so that it can be merged into any
-- later head.
create table public.composition_layers (
  id              uuid        not null default gen_random_uuid(),
  composition_id  uuid        not null,
  user_id         uuid,
  organization_id uuid,
  base_version    integer     not null,            -- the version beneath it; which may be gone
  -- That version, with the organisations' layers on it where the layer is a person's.
  base_hash       bytea       not null,
  patch           jsonb       not null,            -- operations that lead from that document to …
  origin          jsonb       not null,            -- who made it and how: {"kind": …}
  updated_at      timestamptz not null default clock_timestamp(),

  constraint composition_layers_pkey primary key (id),
  constraint composition_layers_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint composition_layers_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint composition_layers_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint composition_layers_base_hash_fkey
    foreign key (base_hash) references public.compositions (content_hash),
  constraint composition_layers_once
    unique nulls not distinct (composition_id, user_id, organization_id),
  constraint composition_layers_one_holder check (num_nonnulls(user_id, organization_id) = 1),
  constraint composition_layers_base_version_positive check (base_version > 0),
  constraint composition_layers_patch_changes
    check (jsonb_typeof(patch) = 'array' and patch <> '[]')
);

-- As on user_compositions: no guesses about what others have.
alter table public.composition_layers
  alter column base_hash set statistics 0,
  alter column patch set statistics 0,
  alter column origin set statistics 0;

create index composition_layers_user_id_idx on public.composition_layers (user_id);
create index composition_layers_organization_id_idx
  on public.composition_layers (organization_id);
create index composition_layers_base_hash_idx on public.composition_layers (base_hash);

alter table public.composition_layers enable row level security;
