-- Take a share back. Its owner may, and so may the person it was given to.
--
--   composition_id   a composition the caller owns, or that is or was shared with them
--   user_id          the person: what they came to through links ends with what they were given …
--   organization_id  … or the organisation that it was shared with
--   returns          the share that ended: {composition_id, user_id, organization_id, link_id,
--                    role, expires_at, created_by, created_at}; of several, one that made an editor
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT404 share_not_found        it is not shared with this grantee
--   PT403 not_composition_owner  readable, but the caller is no owner
--   PT410 composition_trashed    in the trash
--
-- Once it has returned, no save of the grantee can commit any more: both wait for the same lock.
-- Whoever came by a link can come by it again: revoke_share_link() ends that.
--
-- Definer rights: nobody may delete shares in any other way.
create function public.unshare_composition(
  composition_id  uuid,
  user_id         uuid default null,
  organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  share  public.shared_compositions;
begin
  if unshare_composition.user_id = caller and exists (
    select from public.shared_compositions as s
     where s.composition_id = unshare_composition.composition_id
       and s.user_id = caller
  ) then
    -- One's own needs no role: it may have expired.
    perform private.lock_caller();
    perform from public.user_compositions as c
      where c.id = unshare_composition.composition_id
        for no key update;
  else
    perform private.lock_composition(
      unshare_composition.composition_id,
      case when unshare_composition.user_id = caller then 'viewer' else 'owner' end
    );
  end if;

  with ended as (
    delete from public.shared_compositions as s
     where s.composition_id = unshare_composition.composition_id
       and s.user_id is not distinct from unshare_composition.user_id
       and s.organization_id is not distinct from unshare_composition.organization_id
       and s.token_hash is null
    returning s.*
  )
  select e.* into share
    from ended as e
   order by e.role = 'editor' desc, e.created_at, e.id
   limit 1;

  if share.id is null then
    raise exception 'composition % has no such share', unshare_composition.composition_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'share_not_found'),
      hint    = 'Pick one that list_shares() returns.';
  end if;
  return private.share_summary(share);
end;
$$;
