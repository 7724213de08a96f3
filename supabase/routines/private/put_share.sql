-- Share a composition with a person or an organisation, or change the share that there is.
--
--   composition_id   a composition locked by the caller
--   role             'viewer' or 'editor'
--   user_id          the person …
--   organization_id  … or the organisation
--   expires_at       when the share ends by itself; null: when it is revoked
--   link_id          the link that the person came by; null: given directly
--   returns          the row
--
-- Raises
--   PT403 quota_exceeded  the composition has as many shares as it may have
--
-- Definer rights: nobody may write shares in any other way.
create function private.put_share(
  composition_id  uuid,
  role            text,
  user_id         uuid,
  organization_id uuid,
  expires_at      timestamptz,
  link_id         uuid default null
) returns public.shared_compositions
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  share public.shared_compositions;
begin
  if not exists (
    select from public.shared_compositions as s
     where s.composition_id = put_share.composition_id
       and s.user_id is not distinct from put_share.user_id
       and s.organization_id is not distinct from put_share.organization_id
       and s.link_id is not distinct from put_share.link_id
       and s.token_hash is null
  ) then
    perform private.require_room('max_shares_per_composition', (
      select count(*)
        from public.shared_compositions as s
       where s.composition_id = put_share.composition_id
         and s.token_hash is null
    ));
  end if;

  insert into public.shared_compositions as s
    (composition_id, user_id, organization_id, role, expires_at, link_id)
  values
    (put_share.composition_id, put_share.user_id, put_share.organization_id, put_share.role,
     put_share.expires_at, put_share.link_id)
  on conflict on constraint shared_compositions_grantee_once do update
     set role = excluded.role, expires_at = excluded.expires_at
  returning s.* into share;
  return share;
end;
$$;
