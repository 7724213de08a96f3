-- Take a link back, and with it what people got through it.
--
--   link_id  a link to a composition the caller owns
--   returns  the link that ended: {composition_id, user_id: null, organization_id: null, link_id,
--            role, expires_at, created_by, created_at}
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 link_not_found         absent, no link, or to a composition that the caller does not own
--   PT404 composition_not_found  what made the caller an owner was taken away just now
--   PT403 not_composition_owner  likewise, and the caller may still read it
--   PT410 composition_trashed    in the trash
--
-- Once it has returned, no save of who came by the link can commit any more, unless they have the
-- role in another way: both wait for the same lock.
--
-- Definer rights: nobody may delete shares in any other way.
create function public.revoke_share_link(link_id uuid) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  link public.shared_compositions;
begin
  perform private.caller_id();

  select s.* into link
    from public.shared_compositions as s
   where s.id = revoke_share_link.link_id
     and s.token_hash is not null
     and private.composition_role(s.composition_id) = 'owner';
  if link.id is null then
    perform private.refuse_unknown_link();
  end if;

  perform private.lock_composition(link.composition_id, 'owner');

  delete from public.shared_compositions as s where s.id = link.id returning s.* into link;
  if link.id is null then
    perform private.refuse_unknown_link();
  end if;
  return private.share_summary(link);
end;
$$;
