-- What load_composition() answers, and all else that answers loads.
--
--   composition_id  any id
--   user_id         the caller
--   known_etags     etags of answers that the caller has
--   layered         false: the document itself, without layers
--   extra           object: what the answer says beyond a load; null: nothing
--   returns         as load_composition(), and extra; the etag stands for extra as well
--
-- Raises
--   PT404 composition_not_found  absent, or not readable by the caller
--   PT410 composition_trashed    in the trash
--
-- Definer rights: as load_composition().
create function private.load(
  composition_id uuid,
  user_id        uuid,
  known_etags    text[],
  layered        boolean default true,
  extra          jsonb default null
) returns jsonb
language plpgsql stable security definer
set search_path = ''
as $$
declare
  access  record := private.composition_access(load.composition_id, load.user_id);
  head    public.user_compositions;
  layers  public.composition_layers[];
  ends    timestamptz := access.until;
  summary jsonb;
begin
  select c.* into head
    from public.user_compositions as c
   where c.id = load.composition_id;

  if access.role is null or head.deleted_at is not null then
    perform private.require_composition_role(load.composition_id, 'viewer');
  end if;

  -- Mostly nobody has one, and that is all that it costs.
  if layered and exists (
    select from public.composition_layers as l where l.composition_id = load.composition_id
  ) then
    select o.layers, least(ends, o.until) into layers, ends
      from private.layers_over(load.composition_id, load.user_id) as o;
  end if;
  if ends is not null then
    perform private.announce_end(ends);
  end if;

  summary := private.composition_summary(
    head, access.role, private.also_in_etag(layers, extra)
  );
  if extra is not null then
    summary := summary || extra;
  end if;

  if summary ->> 'etag' = any (known_etags) then
    return summary || '{"unchanged": true}';
  end if;
  return (
    -- Not ||, which would copy the document twice.
    select case
             when layers is null then jsonb_set(summary, '{document}', d.document)
             else (
               select jsonb_set(
                        summary || jsonb_build_object('layers', l.states), '{document}', l.shown
                      )
                 from private.layered(d.document, head.current_hash, layers) as l
             )
           end
      from public.compositions as d
     where d.content_hash = head.current_hash
  );
end;
$$;
