-- The limits, as rows an operator can change without a migration.
create table private.settings (
  name        text   not null,
  value       bigint not null,
  description text   not null,

  constraint settings_pkey primary key (name),
  constraint settings_value_positive check (value > 0)
);

alter table private.settings enable row level security;

insert into private.settings (name, value, description)
values
  ('max_document_bytes', 1048576, 'Bytes of a document as canonical text'),
  ('max_document_depth', 64, 'Levels of nesting in a document'),
  ('max_components', 5000, 'Components in a document'),
  ('max_number', 1000000000000000, 'Largest magnitude of a number; its inverse is the smallest'),
  ('max_compositions_per_person', 10000, 'Compositions that one person may own'),
  ('trash_days', 30, 'Days that a composition stays in the trash before it is purged'),
  ('usage_days', 400, 'Days for which the counts of loads are kept'),
  ('max_shares_per_composition', 1000, 'Shares of a composition with people and organisations'),
  ('max_links_per_composition', 100, 'Links to a composition, expired or not'),
  ('max_pins', 200, 'Pins of a person, and defaults of an organisation'),
  ('max_invitations_per_organization', 1000, 'Invitations to an organisation, expired or not'),
  ('invitation_days', 7, 'Days after which an invitation expires'),
  ('min_versions_kept', 100, 'Newest versions of a composition that are kept however old they are'),
  ('version_retention_days', 36500, 'Days for which every version is kept'),
  ('outbox_hours', 48, 'Hours after which no cache holds anything any more'),
  ('mutation_days', 7, 'Days for which call_once() knows what it has done'),
  ('turn_days', 30, 'Days for which a turn of an agent can be undone');
