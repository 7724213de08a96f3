-- The link that a token belongs to.
--
--   token    any text, or null
--   returns  its row of shared_compositions
--
-- Raises
--   PT404 link_not_found  no link has this token, it has ended, or what it leads to is in the trash
--
-- Definer rights: whoever has the token may be anyone.
create function private.find_link(token text) returns public.shared_compositions
language plpgsql stable security definer
set search_path = ''
as $$
declare
  link public.shared_compositions;
begin
  select s.* into link
    from public.shared_compositions as s
    join public.user_compositions as c on c.id = s.composition_id
   where s.token_hash = private.hash_token(find_link.token)
     and c.deleted_at is null
     and (s.expires_at is null or s.expires_at > now());

  if link.id is null then
    perform private.refuse_unknown_link();
  end if;
  return link;
end;
$$;
