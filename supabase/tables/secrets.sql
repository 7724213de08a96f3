-- Where the webhook goes, and what signs it, on a project without a vault: by the names under which
-- a vault has them. Written by private.configure_webhook().
create table private.secrets (
  name  text not null,
  value text not null,

  constraint secrets_pkey primary key (name)
);

alter table private.secrets enable row level security;
