-- Refuse unless a composition is in the trash, or out of it.
--
--   composition_id  a composition that the caller owns
--   in_trash        where it has to be
--
-- Raises
--   PT410 composition_trashed      in the trash
--   PT409 composition_not_trashed  not in the trash
--
-- Definer rights: it looks at a row that the policies hide.
create function private.require_trash(composition_id uuid, in_trash boolean) returns void
language plpgsql stable security definer
set search_path = ''
as $$
declare
  deleted_at timestamptz;
begin
  select c.deleted_at into deleted_at
    from public.user_compositions as c
   where c.id = require_trash.composition_id;

  if deleted_at is not null and not in_trash then
    raise exception 'composition % is in the trash', require_trash.composition_id using
      errcode = 'PT410',
      detail  = jsonb_build_object('code', 'composition_trashed', 'deleted_at', deleted_at),
      hint    = 'Take it out with undelete_composition().';
  elsif deleted_at is null and in_trash then
    raise exception 'composition % is not in the trash', require_trash.composition_id using
      errcode = 'PT409',
      detail  = jsonb_build_object('code', 'composition_not_trashed'),
      hint    = 'Put it there with delete_composition() first.';
  end if;
end;
$$;
