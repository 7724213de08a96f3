-- Create a composition with its first version.
--
--   title            1 to 200 characters
--   document         a composition document (docs/document.md)
--   organization_id  an organisation of the caller's that it belongs to; null: personal
--   description      at most 2000 characters
--   tags             at most 20
--   message          what this version is, in words; null: nothing to say
--   returns          {composition_id, version, content_hash, title, updated_at}
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
create function public.create_composition(
  title           text,
  document        jsonb,
  organization_id uuid default null,
  description     text default '',
  tags            text[] default '{}',
  message         text default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller   constant uuid := private.lock_caller();
  quota    constant bigint := private.setting('max_compositions_per_person');
  id       uuid;
  broken   text;
  argument text;
begin
  if create_composition.organization_id is not null then
    perform private.require_organization_role(create_composition.organization_id, 'member');

    -- Held until the end: who is being removed meanwhile leaves this composition behind, too.
    perform from public.organization_members as m
      where m.organization_id = create_composition.organization_id and m.user_id = caller
        for key share;
    -- Again: who has been removed while this waited is refused.
    perform private.require_organization_role(create_composition.organization_id, 'member');
  end if;

  -- One at a time a person, or several at once would each find room for the last one.
  perform pg_advisory_xact_lock(hashtextextended(caller::text, 0));
  if quota <= (select count(*) from public.user_compositions as c where c.owner_id = caller) then
    raise exception 'you own % compositions, which is all a person may', quota using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'quota_exceeded', 'quota', quota),
      hint    = 'Delete compositions that are no longer needed.';
  end if;

  insert into public.user_compositions as c (owner_id, organization_id, title, description, tags)
  values (caller, create_composition.organization_id, create_composition.title,
          coalesce(create_composition.description, ''), coalesce(create_composition.tags, '{}'))
  returning c.id into id;

  return private.append_version(
    composition_id => id,
    base_version   => 0,
    document       => create_composition.document,
    kind           => 'create',
    origin         => '{"kind": "user"}',
    message        => create_composition.message
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;
