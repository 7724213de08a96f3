-- What caches must still forget: a row for each composition, or each person, whose answers a
-- statement changed, written in the same transaction. Whoever keeps a cache takes them with
-- pending_invalidations(), or hears of them by the webhook (private.poke()), drops what it holds,
-- and deletes them with acknowledge_invalidations(). No foreign keys: what is gone must be
-- forgotten, too.
create table private.cache_outbox (
  id             bigint      generated always as identity,
  composition_id uuid,                             -- for everybody …
  user_id        uuid,                             -- … or everything for a person
  created_at     timestamptz not null default clock_timestamp(),
  attempts       integer     not null default 0,   -- times that it was handed out
  -- When to hand it out (again): the webhook goes first.
  due_at         timestamptz not null default clock_timestamp() + interval '2 seconds',

  constraint cache_outbox_pkey primary key (id),
  constraint cache_outbox_one_key check (num_nonnulls(composition_id, user_id) = 1)
);

create index cache_outbox_due_at_idx on private.cache_outbox (due_at);

alter table private.cache_outbox enable row level security;
