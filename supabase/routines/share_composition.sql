-- Share a composition with a person or an organisation, or change the role or the end of a share.
--
--   composition_id   a composition the caller owns
--   role             'viewer' or 'editor'
--   user_id          the person …
--   organization_id  … or an organisation that the caller belongs to
--   expires_at       when the share ends by itself; null: when it is revoked
--   returns          {composition_id, user_id, organization_id, link_id: null, role, expires_at,
--                    created_by, created_at}
--
-- Raises
--   PT401 not_signed_in           the token names nobody
--   PT401 account_not_found       the account of the token is gone
--   PT404 composition_not_found   absent, or not readable by the caller
--   PT404 user_not_found          there is no such account
--   PT404 organization_not_found  absent, or the caller is no member
--   PT403 not_composition_owner   readable, but the caller is no owner
--   PT403 quota_exceeded          the composition has as many shares as it may have
--   PT410 composition_trashed     in the trash
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
  -- Accounts before compositions. The role is asked first: a stranger cannot hold anyone up.
  perform private.require_composition_role(share_composition.composition_id, 'owner');
  perform private.lock_caller();
  perform from auth.users as u where u.id = share_composition.user_id for key share;
  piece := private.lock_composition(share_composition.composition_id, 'owner');

  if share_composition.organization_id is not null then
    perform private.require_organization_role(share_composition.organization_id, 'member');
  end if;

  perform private.require_time_to_come(share_composition.expires_at);

  if piece.owner_id = share_composition.user_id then
    raise exception 'the owner needs no share' using
      errcode = 'PT422',
      detail  = jsonb_build_object('code', 'invalid_argument', 'argument', 'user_id'),
      hint    = 'Share with someone else than the owner.';
  end if;

  share := private.put_share(
    composition_id  => piece.id,
    role            => share_composition.role,
    user_id         => share_composition.user_id,
    organization_id => share_composition.organization_id,
    expires_at      => share_composition.expires_at
  );
  return private.share_summary(share);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
  when foreign_key_violation then
    get stacked diagnostics broken = constraint_name;
    if broken = 'shared_compositions_organization_id_fkey' then  -- deleted since the check above
      perform private.refuse_unknown_organization(share_composition.organization_id);
    end if;
    perform private.refuse_unknown_user(share_composition.user_id);
end;
$$;
