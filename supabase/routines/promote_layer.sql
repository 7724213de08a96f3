-- Make what the caller, or an organisation, has changed for themselves a version for everybody, or a
-- composition of the caller's own; the layer is gone then.
--
--   composition_id        a composition the caller may view; to make a version, they may edit it
--   into                  'version': the head with the layer becomes the next version; 'fork': what
--                         the composition looks like with the layer becomes a composition
--   scope                 'me': the caller's own layer; 'organization': that of an organisation, by
--                         an admin of it
--   organization_id       with scope 'organization': which one; null: the composition's own
--   title                 of a fork, 1 to 200 characters; null: that of the composition
--   fork_organization_id  an organisation of the caller's that a fork belongs to; null: personal
--   message               what changed, in words; null: nothing to say
--   origin                who made it and how: {kind?, agent?, conversation?, turn?}; null: the
--                         caller
--   returns               {composition_id, version, content_hash, title, updated_at}, of the
--                         composition or of the fork
--
-- Raises
--   PT401 not_signed_in              the token names nobody
--   PT401 account_not_found          the account of the token is gone
--   PT403 composition_read_only      to make a version: readable, but the caller is no editor
--   PT403 organization_role_too_low  a member of the organisation, but no admin
--   PT403 quota_exceeded             the caller owns as many compositions as a person may
--   PT404 composition_not_found      absent, or not readable by the caller
--   PT404 organization_not_found     absent, the caller is no member, or the composition is not
--                                    viewed through it
--   PT404 layer_not_found            there is no such layer
--   PT409 layer_conflict             parts of the layer do not apply, as conflicts says
--   PT410 composition_trashed        in the trash
--   PT422 invalid_document           a limit was lowered since
--   PT422 invalid_argument           a choice is not known, the title, the message or the origin
--                                    breaks its rule, or something is given that belongs to the
--                                    other choice
--
-- A version has no layer of an organisation in it, unless it is that one: what a person changed on
-- top of such a layer may not apply without it. A fork has them all.
--
-- Definer rights: callers may not call private.append_version() and private.insert_composition(),
-- which check them.
create function public.promote_layer(
  composition_id       uuid,
  "into"               text default 'version',
  scope                text default 'me',
  organization_id      uuid default null,
  title                text default null,
  fork_organization_id uuid default null,
  message              text default null,
  origin               jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  into_version constant boolean := promote_layer."into" = 'version';
  holder       uuid;
  layer        public.composition_layers;
  source       public.user_compositions;
  document     jsonb;
begin
  if promote_layer."into" is null or promote_layer."into" not in ('version', 'fork') then
    perform private.refuse_choice('into', '{version,fork}');
  end if;
  if into_version and num_nonnulls(promote_layer.title, promote_layer.fork_organization_id) > 0 then
    perform private.refuse_choice(
      case when promote_layer.title is null then 'fork_organization_id' else 'title' end
    );
  end if;

  -- All that either of them will need, in the order of locks.
  if into_version then
    perform private.lock_composition(promote_layer.composition_id, 'editor');
  else
    perform private.require_composition_role(promote_layer.composition_id, 'viewer');
    perform private.lock_memberships(
      array[private.lock_caller()],
      private.organizations_around(promote_layer.composition_id)
      || promote_layer.fork_organization_id
    );
  end if;
  holder := private.lock_layer(
    promote_layer.composition_id, promote_layer.scope, promote_layer.organization_id
  );

  select c.* into source
    from public.user_compositions as c
   where c.id = promote_layer.composition_id;
  layer := private.find_layer(source.id, holder);
  document := private.promoted_document(source, layer, holder, into_version);
  perform private.put_layer(source.id, holder, null, document, document, promote_layer.origin);

  if into_version then
    return private.append_version(
      composition_id => source.id,
      base_version   => null,
      document       => document,
      kind           => 'save',
      origin         => private.version_origin(promote_layer.origin),
      message        => promote_layer.message
    );
  end if;
  return private.insert_composition(
    organization_id     => promote_layer.fork_organization_id,
    title               => coalesce(promote_layer.title, source.title),
    description         => source.description,
    tags                => source.tags,
    document            => document,
    kind                => 'fork',
    origin              => private.version_origin(
                             promote_layer.origin,
                             facts => jsonb_build_object(
                               'forked_from', jsonb_build_object(
                                 'composition_id', source.id, 'version', source.current_version
                               )
                             )
                           ),
    message             => promote_layer.message,
    forked_from_id      => source.id,
    forked_from_version => source.current_version
  );
end;
$$;
