-- A share as answers show it.
--
--   share    a row of shared_compositions that the caller may read
--   returns  {composition_id, user_id, organization_id, link_id, role, expires_at, created_by,
--            created_at}; link_id is the link itself where there is neither a person nor an
--            organisation, and the link that the person came by otherwise
create function private.share_summary(share public.shared_compositions) returns jsonb
language sql stable
set search_path = ''
as $$
  select jsonb_build_object(
    'composition_id', share.composition_id,
    'user_id', share.user_id,
    'organization_id', share.organization_id,
    'link_id', case when share.token_hash is null then share.link_id else share.id end,
    'role', share.role,
    'expires_at', share.expires_at,
    'created_by', share.created_by,
    'created_at', share.created_at
  );
$$;
