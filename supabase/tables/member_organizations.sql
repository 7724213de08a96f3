-- The organisations of a person once more, as one array, for policies: building it anew for every
-- statement took longer than all the rest. organization_members is what counts;
-- private.note_membership() keeps this one equal to it.
create table private.member_organizations (
  user_id          uuid   not null,
  organization_ids uuid[] not null,

  constraint member_organizations_pkey primary key (user_id),
  constraint member_organizations_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade
);

alter table private.member_organizations enable row level security;
