-- The composition that a fork was made from, if the caller may view it.
--
--   composition_id  a composition that the caller may view
--   returns         the row
--
-- Raises
--   PT404 upstream_not_found  it is no fork; or what it was made from is gone, in the trash, or not
--                             readable by the caller: nobody learns which
--
-- Definer rights: it looks at a row that the policies hide.
create function private.require_upstream(composition_id uuid) returns public.user_compositions
language plpgsql stable security definer
set search_path = ''
as $$
declare
  upstream public.user_compositions;
begin
  select u.* into upstream
    from public.user_compositions as c
    join public.user_compositions as u on u.id = c.forked_from_id
   where c.id = require_upstream.composition_id
     and private.may_view(u.id, auth.uid());

  if upstream.id is null then
    raise exception 'composition % has no upstream that can be viewed',
      require_upstream.composition_id using
      errcode = 'PT404',
      detail  = jsonb_build_object('code', 'upstream_not_found'),
      hint    = 'Ask the owner of what it was forked from to share it.';
  end if;
  return upstream;
end;
$$;
