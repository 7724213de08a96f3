-- Append a version to a composition by what is to change in it.
--
--   composition_id  a composition the caller may edit
--   base_version    the version that the patch was made for
--   patch           what is to change in the document of that version (docs/patch.md)
--   format          'json-patch': an array of operations (RFC 6902); 'merge-patch': an object with
--                   what is to be set, and null for what is to go (RFC 7396)
--   message         what changed, in words; null: nothing to say
--   on_conflict     'reject': a stale patch is refused; 'merge': what it makes of base_version is
--                   merged (docs/merge.md)
--   origin          how it came to be (docs/history.md); null: a person made it
--   returns         {composition_id, version, content_hash, title, updated_at, merged?, conflicts?,
--                   conflict_version?}, as save_version()
--
-- All of a patch is carried out, or nothing.
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 composition_read_only  readable, but the caller is no editor
--   PT410 composition_trashed    in the trash
--   PT409 version_conflict       saved by someone since base_version was read; to be merged, but
--                                base_version is gone, or never was
--   PT409 patch_path_not_found   nothing is where an operation looks for something
--   PT409 patch_test_failed      something else is where an operation tests
--   PT422 invalid_patch          the patch is none, or too large
--   PT422 invalid_document       what it makes, with every problem found, by path
--   PT422 invalid_argument       base_version is null, the message is too long, or format,
--                                on_conflict or origin is not known
--
-- Definer rights: callers may not call private.save_document(), which checks them.
create function public.patch_composition(
  composition_id uuid,
  base_version   integer,
  patch          jsonb,
  format         text default 'json-patch',
  message        text default null,
  on_conflict    text default 'reject',
  origin         jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  head     public.user_compositions;
  document jsonb;
begin
  perform private.require_composition_role(patch_composition.composition_id, 'editor');
  if patch_composition.base_version is null then
    perform private.refuse_argument('', 'base_version');
  end if;

  select d.document into document
    from public.composition_versions as v
    join public.compositions as d on d.content_hash = v.content_hash
   where v.composition_id = patch_composition.composition_id
     and v.version = patch_composition.base_version;
  if document is null then
    select c.* into head
      from public.user_compositions as c
     where c.id = patch_composition.composition_id;
    perform private.refuse_stale(head, patch_composition.base_version);
  end if;

  return private.save_document(
    composition_id => patch_composition.composition_id,
    base_version   => patch_composition.base_version,
    document       => private.apply_patch(
                        document, patch_composition.patch, patch_composition.format
                      ),
    kind           => 'save',
    origin         => patch_composition.origin,
    message        => patch_composition.message,
    on_conflict    => patch_composition.on_conflict
  );
end;
$$;
