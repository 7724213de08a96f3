-- Make a composition of the caller's with its first version: the only way to make one.
--
--   organization_id      an organisation of the caller's that it belongs to; null: personal
--   title                1 to 200 characters
--   description          at most 2000 characters; null: none
--   tags                 at most 20; null: none
--   document             a composition document (docs/document.md)
--   kind                 what the version is: a value of composition_versions.kind
--   origin               who made it and how: {"kind": …}
--   message              what the version is, in words; null: nothing to say
--   forked_from_id       the composition that it was forked from; null: no fork
--   forked_from_version  the version of that one
--   returns              {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT403 quota_exceeded          the caller owns as many compositions as a person may
--   PT404 organization_not_found  absent, or the caller is no member
--   PT422 invalid_document        with every problem found, by path
--   PT422 invalid_argument        title, description, tags or message break their rule
--
-- Definer rights: nobody may insert a composition in any other way.
create function private.insert_composition(
  organization_id     uuid,
  title               text,
  description         text,
  tags                text[],
  document            jsonb,
  kind                text,
  origin              jsonb,
  message             text,
  forked_from_id      uuid default null,
  forked_from_version integer default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.lock_caller();
  id       uuid;
  broken   text;
  argument text;
begin
  if insert_composition.organization_id is not null then
    perform private.require_organization_role(insert_composition.organization_id, 'member');
    -- Held until the end: who is being removed meanwhile leaves this composition behind, too.
    perform private.lock_memberships(array[caller], array[insert_composition.organization_id]);
    -- Again: who has been removed while this waited is refused.
    perform private.require_organization_role(insert_composition.organization_id, 'member');
  end if;

  perform private.require_quota(caller);

  insert into public.user_compositions as c
    (owner_id, organization_id, title, description, tags, forked_from_id, forked_from_version)
  values
    (caller, insert_composition.organization_id, insert_composition.title,
     coalesce(insert_composition.description, ''), coalesce(insert_composition.tags, '{}'),
     insert_composition.forked_from_id, insert_composition.forked_from_version)
  returning c.id into id;

  return private.append_version(
    composition_id => id,
    base_version   => 0,
    document       => insert_composition.document,
    kind           => insert_composition.kind,
    origin         => insert_composition.origin,
    message        => insert_composition.message
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;
