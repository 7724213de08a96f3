-- Create a composition with its first version.
--
--   title            1 to 200 characters
--   document         a composition document (docs/document.md)
--   organization_id  an organisation of the caller's that it belongs to; null: personal
--   description      at most 2000 characters
--   tags             at most 20
--   message          what this version is, in words; null: nothing to say
--   origin           how it came to be (docs/history.md); null: a person made it
--   returns          {composition_id, version, content_hash, title, updated_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT403 quota_exceeded          the caller owns as many compositions as a person may
--   PT404 organization_not_found  absent, or the caller is no member
--   PT422 invalid_document        with every problem found, by path
--   PT422 invalid_argument        title, description, tags, message or origin break their rule
--
-- Definer rights: callers may not call private.insert_composition(), which checks them.
create function public.create_composition(
  title           text,
  document        jsonb,
  organization_id uuid default null,
  description     text default '',
  tags            text[] default '{}',
  message         text default null,
  origin          jsonb default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  return private.insert_composition(
    organization_id => create_composition.organization_id,
    title           => create_composition.title,
    description     => create_composition.description,
    tags            => create_composition.tags,
    document        => create_composition.document,
    kind            => 'create',
    origin          => private.version_origin(create_composition.origin),
    message         => create_composition.message
  );
end;
$$;
