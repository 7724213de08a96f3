-- How often a composition was loaded, by day. Counts and no person: yet with one viewer they tell
-- the composition's owners on which days that viewer looked, and never at what time.
create table public.composition_usage (
  composition_id uuid   not null,
  day            date   not null,            -- by UTC
  loads          bigint not null default 0,
  hits           bigint not null default 0,  -- of the loads, those that a cache answered

  constraint composition_usage_pkey primary key (composition_id, day),
  constraint composition_usage_composition_id_fkey
    foreign key (composition_id) references public.user_compositions (id) on delete cascade,
  constraint composition_usage_loads_counted check (loads >= 0),
  constraint composition_usage_hits_counted check (hits >= 0)
);

-- As on user_compositions: no guesses about what others have.
alter table public.composition_usage
  alter column composition_id set statistics 0,
  alter column loads set statistics 0,
  alter column hits set statistics 0;

create index composition_usage_day_idx on public.composition_usage (day);

alter table public.composition_usage enable row level security;
