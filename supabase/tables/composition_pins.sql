-- What is shown in a context, such as 'home' or 'route:/videos': a composition that a person has
-- pinned there, or that an organisation has, as the default for its members. A pin gives nobody any
-- role: whoever may not view its composition now is shown the next one (private.chosen_pin()).
create table public.composition_pins (
  id              uuid        not null default gen_random_uuid(),
  user_id         uuid,                         -- whose pin it is …
  organization_id uuid,                         -- … or whose default
  context         text        not null,
  composition_id  uuid        not null,
  position        integer     not null default 0,  -- among the contexts of a page
  created_at      timestamptz not null default now(),

  constraint composition_pins_pkey primary key (id),
  constraint composition_pins_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade,
  constraint composition_pins_organization_id_fkey
    foreign key (organization_id) references public.organizations (id) on delete cascade,
  constraint composition_pins_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint composition_pins_context_once
    unique nulls not distinct (user_id, organization_id, context),
  constraint composition_pins_one_owner check (num_nonnulls(user_id, organization_id) = 1),
  -- Ranges, since what [:cntrl:] is depends on the locale of the database.
  constraint composition_pins_context_valid check (
    length(context) <= 200
    and context ~ '^[a-z][a-z0-9_-]*(:[^\u0001-\u001f\u007f-\u009f\u2028\u2029]+)?$'
  )
);

comment on constraint composition_pins_context_valid on public.composition_pins is
  'A context is like home or route:/videos: at most 200 characters, none of them a control one.';

-- As on user_compositions: no guesses about what others have.
alter table public.composition_pins alter column context set statistics 0;

create index composition_pins_organization_id_context_idx
  on public.composition_pins (organization_id, context);
create index composition_pins_composition_id_idx on public.composition_pins (composition_id);

alter table public.composition_pins enable row level security;
