-- Stamp a composition when its head or its metadata changes. The time is the clock's, not the
-- transaction's: a writer that waited for another one is the later of the two.
create function private.touch_composition() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end;
$$;

create trigger user_compositions_touch
  before update of title, description, tags, current_version on public.user_compositions
  for each row execute function private.touch_composition();
