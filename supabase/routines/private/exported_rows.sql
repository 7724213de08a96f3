-- What is held about a person outside their compositions, for export_my_data(): one list of it.
--
--   list       'memberships', 'invitations', 'shares_given', 'shares_received', 'pins',
--              'authored' or 'layers'
--   user_id    the person, who is the caller
--   after_id   where the page before ended …
--   after_nth  … in the order of (id, nth)
--   row_limit  at most so many
--   returns    rows in that order, with what export_my_data() shows of each
--
-- Definer rights: as export_my_data().
create function private.exported_rows(
  list      text,
  user_id   uuid,
  after_id  uuid,
  after_nth integer,
  row_limit integer
) returns table (id uuid, nth integer, item jsonb)
language plpgsql stable security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if list = 'memberships' then
    return query
      select m.organization_id, 1, private.member_summary(m) || jsonb_build_object('name', o.name)
        from public.organization_members as m
        join public.organizations as o on o.id = m.organization_id
       where m.user_id = exported_rows.user_id
         and (m.organization_id, 1) > (after_id, after_nth)
       order by m.organization_id
       limit row_limit;

  elsif list = 'invitations' then
    return query
      select i.id, 1, private.invitation_summary(i)
        from public.organization_invitations as i
       where (
               i.created_by = exported_rows.user_id
               or i.email = (
                    select lower(u.email) from auth.users as u where u.id = exported_rows.user_id
                  )
             )
         and (i.id, 1) > (after_id, after_nth)
       order by i.id
       limit row_limit;

  elsif list = 'shares_given' then
    return query
      select s.id, 1, private.share_summary(s)
        from public.shared_compositions as s
       where s.id in (
               select s.id
                 from public.shared_compositions as s
                where s.created_by = exported_rows.user_id
               union
               select s.id
                 from public.user_compositions as c
                 join public.shared_compositions as s on s.composition_id = c.id
                where c.owner_id = exported_rows.user_id
             )
         and (s.id, 1) > (after_id, after_nth)
         and private.composition_role(s.composition_id) is not null
       order by s.id
       limit row_limit;

  elsif list = 'shares_received' then
    return query
      select s.id, 1, private.share_summary(s)
        from public.shared_compositions as s
        join public.user_compositions as c on c.id = s.composition_id
       where s.user_id = exported_rows.user_id
         and c.deleted_at is null
         and (s.id, 1) > (after_id, after_nth)
       order by s.id
       limit row_limit;

  elsif list = 'pins' then
    return query
      select p.id, 1, private.pin_summary(p) || jsonb_build_object('created_at', p.created_at)
        from public.composition_pins as p
       where p.user_id = exported_rows.user_id
         and (p.id, 1) > (after_id, after_nth)
       order by p.id
       limit row_limit;

  elsif list = 'authored' then
    return query
      select v.composition_id, v.version, private.version_summary(v)
        from public.composition_versions as v
       where v.author_id = exported_rows.user_id
         and (v.composition_id, v.version) > (after_id, after_nth)
         and v.composition_id in (
               select f.id
                 from (
                   select distinct c.id
                     from public.composition_versions as v
                     join public.user_compositions as c on c.id = v.composition_id
                    where v.author_id = exported_rows.user_id
                      and c.owner_id <> exported_rows.user_id
                 ) as f
                where private.composition_role(f.id) is not null
             )
       order by v.composition_id, v.version
       limit row_limit;

  elsif list = 'layers' then
    return query
      select l.id, 1, jsonb_build_object(
               'composition_id', l.composition_id,
               'base_version', l.base_version,
               'patch', l.patch,
               'origin', l.origin,
               'updated_at', l.updated_at
             )
        from public.composition_layers as l
       where l.user_id = exported_rows.user_id
         and (l.id, 1) > (after_id, after_nth)
         and private.composition_role(l.composition_id) is not null
       order by l.id
       limit row_limit;
  end if;
end;
$$;
