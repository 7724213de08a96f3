-- Open a link: the composition as load_composition() shows it, for whoever has the token, signed in
-- or not.
--
--   token    what create_share_link() returned
--   returns  {composition_id, title, description, tags, owner_id, organization_id, role, version,
--            content_hash, etag, updated_at, forked_from_id, forked_from_version, document}; role
--            is the link's
--
-- Raises
--   PT404 link_not_found  no link has this token, or it has ended; every time the same answer
--
-- To change what an editor's link shows, or to find it among one's own, accept_share_link().
--
-- Definer rights: the token alone decides, whoever sends it.
create function public.open_share_link(token text) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  link constant public.shared_compositions := private.find_link(open_share_link.token);
begin
  return (
    -- Not ||, which would copy the document twice.
    select jsonb_set(private.composition_summary(c, link.role), '{document}', d.document)
      from public.user_compositions as c
      join public.compositions as d on d.content_hash = c.current_hash
     where c.id = link.composition_id
  );
end;
$$;
