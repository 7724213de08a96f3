-- Refuse what names neither the caller nor an organisation.
--
--   scope            'me' or 'organization'
--   organization_id  the organisation; 'me' has none
--
-- Raises
--   PT422 invalid_argument  no such scope, or an organisation that is not asked for
create function private.require_scope(scope text, organization_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  if scope is null or scope not in ('me', 'organization') then
    raise exception 'scope is not known' using
      errcode = 'PT422',
      detail  = jsonb_build_object(
        'code', 'invalid_argument', 'argument', 'scope', 'allowed', '["me", "organization"]'::jsonb
      ),
      hint    = 'Leave scope out, or send an allowed value.';
  end if;

  if scope = 'me' and organization_id is not null then
    raise exception 'what is one''s own belongs to no organisation' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'organization_id'),
      hint    = 'Leave organization_id out, or send the scope organization.';
  end if;
end;
$$;
