-- Refuse a link that does not exist for the caller.
--
-- Raises
--   PT404 link_not_found  always, and always in the same words
create function private.refuse_unknown_link() returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'there is no such link' using
    errcode = 'PT404',
    detail  = jsonb_build_object('code', 'link_not_found'),
    hint    = 'Check the token or the id. It may have ended: ask an owner for a new link.';
end;
$$;
