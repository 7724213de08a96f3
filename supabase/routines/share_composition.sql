-- Share a composition with a person or an organisation, or change the role or the end of a share.
--
--   composition_id   a composition the caller owns
--   role             'viewer' or 'editor'
--   user_id          the person …
--   organization_id  … or an organisation that the caller belongs to
--   expires_at       when the share ends by itself; null: when it is revoked
--   returns          {composition_id, user_id, organization_id, role, expires_at, created_by,
--                    created_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 user_not_found          there is no such account
--   PT404 organization_not_found  absent, or the caller is no member
--   PT403 not_composition_owner   readable, but the caller is no owner
--   PT422 invalid_argument        not one grantee, the owner as grantee, no such role, or an end
--                                 that is past
--
-- Definer rights: nobody may write shares in any other way.
create function public.share_composition(
  composition_id  uuid,
  role            text,
  user_id         uuid default null,
  organization_id uuid default null,
  expires_at      timestamptz default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  piece    public.user_compositions;
  share    public.shared_compositions;
  broken   text;
  argument text;
begin
  piece := private.lock_composition(share_composition.composition_id, 'owner');

  if share_composition.organization_id is not null then
    perform private.require_organization_role(share_composition.organization_id, 'member');
  end if;

  if share_composition.expires_at <= now()
    or not isfinite(share_composition.expires_at)
    or piece.owner_id = share_composition.user_id
  then
    argument := case when piece.owner_id = share_composition.user_id
                     then 'user_id' else 'expires_at' end;
    raise exception '% makes no share', argument using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', argument),
      hint    = 'Share with someone else than the owner, until a time to come or for good.';
  end if;

  insert into public.shared_compositions as s
    (composition_id, user_id, organization_id, role, expires_at)
  values
    (piece.id, share_composition.user_id, share_composition.organization_id,
     share_composition.role, share_composition.expires_at)
  on conflict on constraint shared_compositions_grantee_once do update
     set role = excluded.role, expires_at = excluded.expires_at
  returning s.* into share;

  return private.share_summary(share);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
  when foreign_key_violation then
    perform private.refuse_unknown_user(share_composition.user_id);
end;
$$;
