-- The content store: every document once, by the hash of its canonical text. A row has no owner;
-- who may read it follows from the versions that point to it. It carries no time of its own
-- either: that would tell a person that somebody else saved the same content before.
create table public.compositions (
  content_hash bytea not null,
  document     jsonb not null,
  dialect      text  generated always as (document ->> 'dialect') stored,  -- for lists

  constraint compositions_pkey primary key (content_hash),
  constraint compositions_content_hash_length check (octet_length(content_hash) = 32)
);

alter table public.compositions enable row level security;
