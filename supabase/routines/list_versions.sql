-- List the versions of a composition, newest first.
--
--   composition_id  a composition the caller may view
--   after           next of the page before; null: the first page
--   row_limit       1 to 200
--   returns         {items: [{composition_id, version, content_hash, parent_version, kind,
--                   author_id, origin, message, created_at, label}], next: cursor or null}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       row_limit is out of range
--   PT422 invalid_cursor         after is no cursor of this list
--
-- Definer rights: as load_composition().
create function public.list_versions(
  composition_id uuid,
  after          text default null,
  row_limit      integer default 50
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  page   constant integer := private.row_limit(list_versions.row_limit);
  before integer := 2147483647;
begin
  perform private.require_composition_role(list_versions.composition_id, 'viewer');

  if after !~ '^[0-9]{1,9}$' then
    perform private.refuse_cursor();
  elsif after is not null then
    before := after::integer;
  end if;

  return (
    with found as (
      select v, row_number() over (order by v.version desc) as nth
        from public.composition_versions as v
       where v.composition_id = list_versions.composition_id
         and v.version < before
       order by v.version desc
       limit page + 1
    )
    select jsonb_build_object(
      'items', coalesce(
        jsonb_agg(private.version_summary(f.v) order by f.nth) filter (where f.nth <= page), '[]'
      ),
      'next', (
        max((f.v).version) filter (where f.nth = page and (select count(*) from found) > page)
      )::text
    )
      from found as f
  );
end;
$$;
