-- Load all that a first page needs: what is pinned as 'home' for the caller, the contexts in which
-- something is pinned for them, and the organisations that they belong to.
--
--   known_etags  etags of answers that the caller has: the document of one of them is left out
--   returns      {home, contexts, organizations, etag, version, unchanged?}; instead of the
--                document of home, unchanged is true where the etag is one of known_etags
--
--   home           what resolve_context('home') answers; null where it would refuse
--   contexts       [{context, scope, organization_id, position}] of all pins of the caller and of
--                  their organisations, by position and context; scope is 'me' or 'organization'
--   organizations  [{organization_id, name, role}], the one that they have belonged to for longest
--                  first
--   etag           another one whenever anything of the answer is another one
--   version        that of home; 0 without one
--
-- Raises
--   PT401 not_signed_in  the token names nobody
--
-- contexts are there whether or not the caller may view what is pinned in them, which
-- resolve_context() says. The headers are those of resolve_context().
--
-- Definer rights: as load_composition().
create function public.load_home(known_etags text[] default '{}') returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  here   constant record := private.home_page(caller);
  known  constant boolean := coalesce(here.page ->> 'etag' = any (known_etags), false);
  home   jsonb;
  answer jsonb := here.page || '{"home": null, "version": 0}';
begin
  if known then
    answer := answer || '{"unchanged": true}';
  end if;
  perform private.announce_skipped(here.skipped);
  if here.etag is null then
    return answer;
  end if;

  home := private.load(
    composition_id => (here.pin).composition_id,
    user_id        => caller,
    known_etags    => case when known then array[here.etag] else '{}' end,
    layered        => true,
    extra          => private.pin_reason(here.pin)
  );
  answer := answer || jsonb_build_object('version', home -> 'version');
  return jsonb_set(answer, '{home}', home - 'unchanged');
end;
$$;
