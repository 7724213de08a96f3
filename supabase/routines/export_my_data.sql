-- Export all that is held about the caller, page by page: merge the lists of all pages.
--
--   after      next of the page before; null: the first page
--   row_limit  1 to 200 compositions
--   returns    {account?, memberships?, invitations?, shares_given?, shares_received?, pins?,
--              authored?, layers?, compositions, next}
--
--   account          {user_id, email, created_at}, on the first page
--   memberships      [{organization_id, name, user_id, role, created_at}]
--   invitations      [{invitation_id, organization_id, email, role, expires_at, created_by,
--                    created_at}] by the caller, or to their address
--   shares_given     [{composition_id, user_id, organization_id, link_id, role, expires_at,
--                    created_by, created_at}] by the caller, or on what they own
--   shares_received  [{composition_id, user_id, organization_id, link_id, role, expires_at,
--                    created_by, created_at}] in person
--   pins             [{context, scope, organization_id, composition_id, position, created_at}] of
--                    the caller; composition_id is null where they may not view it now
--   authored         [{composition_id, version, content_hash, parent_version, kind, author_id,
--                    origin, message, label, created_at}] by the caller in compositions of
--                    others
--   layers           [{composition_id, base_version, patch, origin, updated_at}] in person
--   compositions     [{composition_id, title, description, tags, owner_id, organization_id,
--                    version, content_hash, updated_at, forked_from_id, forked_from_version,
--                    created_at, deleted_at, versions: [{composition_id, version, content_hash,
--                    parent_version, kind, author_id, origin, message, label, created_at,
--                    document}]}] that the caller owns, those in the trash too, oldest version
--                    first; a long history goes on on the next page, under the same
--                    composition_id
--   next             cursor or null
--
-- Raises
--   PT401 not_signed_in     the token names nobody
--   PT422 invalid_argument  row_limit is out of range
--   PT422 invalid_cursor    after is no cursor of this list
--
-- A page has at most 4 MiB of text, or one version more, and 1000 rows of the lists before
-- compositions. A list that a page does not have has ended before, or begins later. What comes to
-- be while somebody pages may be missed.
--
-- The caller's versions in compositions of others come without their documents: those belong to
-- these compositions, and get_version() has them for as long as the caller may see them. After
-- that, they are not listed either, nor are layers over these compositions.
--
-- Definer rights: callers have no access to accounts, nor to what is in their trash.
create function public.export_my_data(
  after     text default null,
  row_limit integer default 20
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller    constant uuid := private.caller_id();
  page      constant integer := private.row_limit(export_my_data.row_limit);
  lists     constant text[] :=
    '{memberships,invitations,shares_given,shares_received,pins,authored,layers,compositions}';
  room      integer := 1000;             -- rows of the lists before compositions
  bytes     integer := 4 * 1024 * 1024;  -- left on this page
  list      text := lists[1];
  after_id  uuid := '00000000-0000-0000-0000-000000000000';
  after_nth integer := 0;
  answer    jsonb := '{}';
  entry     record;
  items     jsonb[];
begin
  if after is null then
    answer := jsonb_build_object('account', (
      select jsonb_build_object('user_id', u.id, 'email', u.email, 'created_at', u.created_at)
        from auth.users as u
       where u.id = caller
    ));
  elsif after !~ '^[a-z_]+_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_[0-9]{1,9}$'
    or substring(after, '^(.*)_.*_') <> all (lists)
  then
    perform private.refuse_cursor();
  else
    list := substring(after, '^(.*)_.*_');
    after_id := substring(after, '_([^_]*)_[0-9]*$')::uuid;
    after_nth := substring(after, '[0-9]*$')::integer;
  end if;

  while list <> 'compositions' loop
    items := '{}';
    for entry in
      select r.id, r.nth, r.item
        from private.exported_rows(list, caller, after_id, after_nth, room + 1) as r
    loop
      bytes := bytes - octet_length(entry.item::text);
      if room = 0 or bytes < 0 then
        return answer || jsonb_build_object(
          list, to_jsonb(items),
          'compositions', '[]'::jsonb,
          'next', format('%s_%s_%s', list, after_id, after_nth)
        );
      end if;
      items := array_append(items, entry.item);
      room := room - 1;
      after_id := entry.id;
      after_nth := entry.nth;
    end loop;

    answer := answer || jsonb_build_object(list, to_jsonb(items));
    list := lists[array_position(lists, list) + 1];
    after_id := '00000000-0000-0000-0000-000000000000';
    after_nth := 0;
  end loop;

  return answer || private.exported_compositions(caller, after_id, after_nth, page, bytes);
end;
$$;
