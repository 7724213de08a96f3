-- The layers that somebody has over a composition: those of their organisations, then their own.
--
--   composition_id  a composition that they may view
--   user_id         the person
--   with_own        whether their own is one of them
--   layers          in the order in which they lie on each other; null: none
--   until           when one of them ends to be there by itself, as shares do; null: never
--
-- An organisation's layer is there for its members, as long as the organisation is one through
-- which they may view the composition: its own, or one that it is shared with.
--
-- Definer rights: it looks past the policies, as private.composition_access() does.
create function private.layers_over(
  composition_id uuid,
  user_id        uuid,
  with_own       boolean default true,
  out layers     public.composition_layers[],
  out until      timestamptz
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  select array_agg(o.layer order by o.is_own, o.organization_id), min(o.until)
    into layers_over.layers, layers_over.until
    from (
      select l as layer, l.organization_id, false as is_own, s.expires_at as until
        from public.composition_layers as l
        join public.organization_members as m
          on m.organization_id = l.organization_id and m.user_id = layers_over.user_id
        join public.user_compositions as c on c.id = l.composition_id
        left join public.shared_compositions as s
          on s.composition_id = l.composition_id
         and s.user_id is null
         and s.organization_id = l.organization_id
         and l.organization_id is distinct from c.organization_id
         and (s.expires_at is null or s.expires_at > now())
       where l.composition_id = layers_over.composition_id
         and l.user_id is null
         and (l.organization_id = c.organization_id or s.id is not null)
      union all
      select l, null, true, null
        from public.composition_layers as l
       where l.composition_id = layers_over.composition_id
         and l.user_id = layers_over.user_id
         and with_own
    ) as o;
end;
$$;
