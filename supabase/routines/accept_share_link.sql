-- Take the role of a link in person. It is what makes an editor's link useful: saving needs a
-- person, and from then on the composition is among those that list_my_compositions() returns.
--
--   token    what create_share_link() returned
--   returns  {composition_id, user_id, organization_id: null, link_id, role, expires_at,
--            created_by, created_at}; the same again if the caller had accepted it before
--
-- Raises
--   PT401 not_signed_in      the token of the session names nobody
--   PT401 account_not_found  the account of that token is gone
--   PT403 quota_exceeded     the composition has as many shares as it may have
--   PT404 link_not_found     no link has this token, or it has ended; every time the same answer
--   PT409 already_owner      the caller owns the composition: no link gives more
--
-- What was taken ends when the link does, by itself or by revoke_share_link().
--
-- Definer rights: nobody may write shares in any other way.
create function public.accept_share_link(token text) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller uuid := private.caller_id();
  link   public.shared_compositions;
begin
  -- Before the locks: who has no link cannot hold anyone up.
  link := private.find_link(accept_share_link.token);
  caller := private.lock_caller();
  perform from public.user_compositions as c where c.id = link.composition_id for no key update;
  -- And after them: whoever held them may have been revoking it.
  link := private.find_link(accept_share_link.token);

  if private.composition_role(link.composition_id) = 'owner' then
    raise exception 'you own composition %', link.composition_id using
      errcode = 'PT409',
      detail  = jsonb_build_object(
        'code', 'already_owner', 'composition_id', link.composition_id
      ),
      hint    = 'Load it: an owner needs no link.';
  end if;

  return private.share_summary(private.put_share(
    composition_id  => link.composition_id,
    role            => link.role,
    user_id         => caller,
    organization_id => null,
    expires_at      => link.expires_at,
    link_id         => link.id
  ));
end;
$$;
