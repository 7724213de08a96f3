-- Load what is shown to the caller in a context: what they have pinned there, else the default of
-- one of their organisations, first of the one to which they have belonged for longest. A pin on
-- what they may not view now, or on what is in the trash, is passed over.
--
--   context      'home', 'route:/videos' … (docs/contexts.md)
--   known_etags  etags of answers that the caller has: the document of one of them is left out
--   returns      {composition_id, title, description, tags, owner_id, organization_id, role,
--                version, content_hash, etag, updated_at, forked_from_id, forked_from_version,
--                document?, layers?, unchanged?, reason}: what load_composition() answers, and why
--                this one; the etag stands for the reason as well
--
--   reason       {scope, organization_id?, context, text}: whose pin it is. scope is 'me' or
--                'organization', text says it for people: pinned by you, default of Northwind
--
-- Raises
--   PT401 not_signed_in   the token names nobody
--   PT404 nothing_pinned  nothing that the caller may view
--
-- The header Access-Until of the answer is that of load_composition(). The header
-- Candidates-Skipped says how many pins were passed over, if any were: what is chosen may then
-- change without a change of a pin, and no cache may keep the choice. A refusal says it as skipped.
--
-- Definer rights: as load_composition().
create function public.resolve_context(context text, known_etags text[] default '{}')
returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller constant uuid := private.caller_id();
  choice record := private.chosen_pin(resolve_context.context, caller);
begin
  if (choice.pin).id is null then
    raise exception 'nothing is pinned there' using
      errcode = 'PT404',
      detail  = jsonb_strip_nulls(jsonb_build_object(
        'code', 'nothing_pinned',
        'skipped', nullif(choice.skipped, 0)
      )),
      hint    = 'Pin a composition with pin_composition().';
  end if;

  perform private.announce_skipped(choice.skipped);
  return private.load(
    composition_id => (choice.pin).composition_id,
    user_id        => caller,
    known_etags    => resolve_context.known_etags,
    layered        => true,
    extra          => private.pin_reason(choice.pin)
  );
end;
$$;
