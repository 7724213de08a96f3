-- What call_once() has done, and answered, so that it does nothing twice. It is forgotten after
-- mutation_days (private.settings).
create table private.client_mutations (
  user_id      uuid        not null,
  mutation_id  text        not null,              -- chosen by the person's client
  request_hash bytea       not null,              -- of the function and its arguments
  result       jsonb,                             -- without a secret; null: while it is being done
  has_secret   boolean     not null default false,  -- whether the answer had one
  created_at   timestamptz not null default clock_timestamp(),

  constraint client_mutations_pkey primary key (user_id, mutation_id),
  constraint client_mutations_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade
);

create index client_mutations_created_at_idx on private.client_mutations (created_at);

alter table private.client_mutations enable row level security;
