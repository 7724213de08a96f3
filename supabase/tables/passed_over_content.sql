-- Content that private.collect_content() could not look at, since somebody held it: to be looked at
-- again, by purge_trash(). Rows may repeat, and name content that is in use or gone: nobody who
-- writes one waits for another.
create table private.passed_over_content (
  id           bigint generated always as identity,
  content_hash bytea not null,

  constraint passed_over_content_pkey primary key (id)
);

alter table private.passed_over_content enable row level security;
