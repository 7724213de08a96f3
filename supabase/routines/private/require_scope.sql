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
    perform private.refuse_choice('scope', '{me,organization}');
  end if;
  if scope = 'me' and organization_id is not null then
    perform private.refuse_choice('organization_id');
  end if;
end;
$$;
