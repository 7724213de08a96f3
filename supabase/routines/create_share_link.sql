-- Make a link to a composition: whoever has its token may look (open_share_link()), signed in or
-- not, and who is signed in may take its role for themselves (accept_share_link()).
--
--   composition_id  a composition the caller owns
--   role            'viewer' or 'editor'
--   expires_at      when the link ends by itself; null: when it is revoked
--   returns         {link_id, composition_id, role, expires_at, created_by, created_at, token};
--                   token is 43 characters of base64url, 244 random bits, and shown this once: only
--                   its hash is kept
--
-- Raises
--   PT401 not_signed_in          the token names nobody
--   PT401 account_not_found      the account of the token is gone
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT403 not_composition_owner  readable, but the caller is no owner
--   PT403 quota_exceeded         the composition has as many links as it may have
--   PT410 composition_trashed    in the trash
--   PT422 invalid_argument       no such role, or an end that is past
--
-- Definer rights: nobody may write shares in any other way.
create function public.create_share_link(
  composition_id uuid,
  role           text,
  expires_at     timestamptz default null
) returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  token    constant text := private.new_token();
  piece    public.user_compositions;
  link     public.shared_compositions;
  broken   text;
  argument text;
begin
  piece := private.lock_composition(create_share_link.composition_id, 'owner');
  perform private.require_time_to_come(create_share_link.expires_at);
  perform private.require_room('max_links_per_composition', (
    select count(*)
      from public.shared_compositions as s
     where s.composition_id = piece.id
       and s.token_hash is not null
  ));

  insert into public.shared_compositions as s (composition_id, role, expires_at, token_hash)
  values (piece.id, create_share_link.role, create_share_link.expires_at,
          private.hash_token(token))
  returning s.* into link;

  return jsonb_build_object(
    'link_id', link.id,
    'composition_id', link.composition_id,
    'role', link.role,
    'expires_at', link.expires_at,
    'created_by', link.created_by,
    'created_at', link.created_at,
    'token', token
  );
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name, argument = column_name;
    perform private.refuse_argument(broken, argument);
end;
$$;
