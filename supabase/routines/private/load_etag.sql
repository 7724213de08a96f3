-- The etag of what private.load() would answer, without the work of the answer.
--
--   composition_id  any id
--   user_id         who would load it
--   layered         as private.load() has it
--   extra           as private.load() has it
--   returns         the etag; null: it would refuse
--
-- Definer rights: as private.composition_access().
create function private.load_etag(
  composition_id uuid,
  user_id        uuid,
  layered        boolean default true,
  extra          jsonb default null
) returns text
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (
    select private.composition_summary(
             c,
             a.role,
             case
               when layered then
                 private.layers_in_etag(c.id, load_etag.user_id, load_etag.extra)
               else private.also_in_etag(null, load_etag.extra)
             end
           ) ->> 'etag'
      from public.user_compositions as c
     cross join lateral private.composition_access(c.id, load_etag.user_id) as a
     where c.id = load_etag.composition_id
       and c.deleted_at is null
       and c.current_version > 0
       and a.role is not null
  );
end;
$$;
