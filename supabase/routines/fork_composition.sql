-- Make a composition of the caller's own out of one they may view.
--
--   composition_id   a composition the caller may view
--   title            1 to 200 characters; null: that of the composition
--   organization_id  an organisation of the caller's that the fork belongs to; null: personal
--   version          the version whose content it starts with; null: the head
--   origin           how it came to be (docs/history.md); null: a person made it
--   returns          the fork: {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT403 quota_exceeded          the caller owns as many compositions as a person may
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 version_not_found       the composition has no such version, or no longer
--   PT404 organization_not_found  absent, or the caller is no member
--   PT410 composition_trashed     in the trash
--   PT422 invalid_document        a limit was lowered since the version was saved
--   PT422 invalid_argument        the title breaks its rule, or origin is not known
--
-- Copied are the content of the one version, the description and the tags, as they are now. Not
-- copied are the history, the shares, the owner and the organisation. The fork remembers where it
-- came from (forked_from_id, forked_from_version), and nothing of it changes when that changes,
-- ends, or is no longer shared with the caller.
--
-- Definer rights: callers may not call private.insert_composition(), which checks them.
create function public.fork_composition(
  composition_id  uuid,
  title           text default null,
  organization_id uuid default null,
  version         integer default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid;
  source public.user_compositions;
  chosen integer;
begin
  perform private.require_composition_role(fork_composition.composition_id, 'viewer');
  caller := private.lock_caller();
  perform private.lock_memberships(
    array[caller],
    private.organizations_around(fork_composition.composition_id)
    || fork_composition.organization_id
  );

  -- Whoever purges it or takes a share away waits, and knows that nothing of it comes after; others
  -- who fork it do not wait. get_version() asks for the role again, with the locks held.
  select c.* into source
    from public.user_compositions as c
   where c.id = fork_composition.composition_id
     for share;

  chosen := coalesce(fork_composition.version, source.current_version);

  return private.insert_composition(
    organization_id     => fork_composition.organization_id,
    title               => coalesce(fork_composition.title, source.title),
    description         => source.description,
    tags                => source.tags,
    document            => public.get_version(source.id, chosen) -> 'document',
    kind                => 'fork',
    origin              => private.version_origin(
                             fork_composition.origin,
                             facts => jsonb_build_object(
                               'forked_from', jsonb_build_object(
                                 'composition_id', source.id, 'version', chosen
                               )
                             )
                           ),
    message             => null,
    forked_from_id      => source.id,
    forked_from_version => chosen
  );
end;
$$;
