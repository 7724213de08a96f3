-- Change what a composition is called and how it is found. Its content and its version stay.
--
--   composition_id  a composition the caller may edit
--   title           1 to 200 characters; null: as it is
--   description     at most 2000 characters; null: as it is
--   tags            at most 20; null: as they are
--   returns         {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       title, description or tags break their rule
--
-- The same as an update of the table, with an answer that says why not. Without any change nothing
-- is written.
--
-- Definer rights: callers may not lock rows.
create function public.update_metadata(
  composition_id uuid,
  title          text default null,
  description    text default null,
  tags           text[] default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  piece   public.user_compositions;
  changed public.user_compositions;
  broken  text;
begin
  piece := private.lock_composition(update_metadata.composition_id, 'editor');

  update public.user_compositions as c
     set title = coalesce(update_metadata.title, c.title),
         description = coalesce(update_metadata.description, c.description),
         tags = coalesce(update_metadata.tags, c.tags)
   where c.id = piece.id
     and (
       update_metadata.title <> c.title
       or update_metadata.description <> c.description
       or update_metadata.tags <> c.tags
     )
  returning c.* into changed;

  return private.write_summary(case when changed.id is null then piece else changed end);
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;
