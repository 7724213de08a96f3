-- What a load would answer now, for current_etags().
--
--   entry    one that private.require_cached_entries() lets pass
--   returns  an etag, or null
--
-- Definer rights: as current_etags().
create function private.current_etag(entry jsonb) returns text
language plpgsql stable security definer
set search_path = ''
as $$
declare
  composition_id constant uuid := entry ->> 'composition_id';
  user_id        constant uuid := entry ->> 'user_id';
  here           record;
begin
  if entry ? 'context' then
    here := private.chosen_pin(entry ->> 'context', user_id);
    if (here.pin).composition_id = composition_id then
      return private.load_etag(
        composition_id, user_id, extra => private.pin_reason(here.pin)
      );
    end if;
    return null;
  end if;

  if entry ? 'home' then
    here := private.home_page(user_id);
    return case when (here.pin).composition_id = composition_id then here.page ->> 'etag' end;
  end if;

  return private.load_etag(composition_id, user_id, layered => not entry ? 'layered');
end;
$$;
