-- Say in the header Access-Until of the answer when what allows it ends by itself: for as long the
-- answer may be kept, and no longer.
--
--   until  a time to come
--
-- In milliseconds since 1970, as clocks of caches count; rounded down, as later would be too late.
create function private.announce_end(until timestamptz) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  perform private.announce_header(
    'Access-Until', floor(extract(epoch from until) * 1000)::text
  );
end;
$$;
