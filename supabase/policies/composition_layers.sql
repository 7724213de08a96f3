-- Who may do what to a layer: a person's is for that person alone, an organisation's for its
-- members, and either only while they may view the composition. In the trash it is there for
-- nobody. Members here are members of the organisation that the layer is of.
--
--            stranger  viewer  member  admin  holder
--   select      -        -      yes     yes    yes
--   insert      -        -       -       -      -    set_layer()
--   update      -        -       -       -      -    set_layer(), reset_layer()
--   delete      -        -       -       -      -    reset_layer(), promote_layer()

revoke all on public.composition_layers from anon, authenticated, service_role;
grant select on public.composition_layers to authenticated;

-- The policy on user_compositions decides who may view; this one asks it.
create policy composition_layers_select_holder on public.composition_layers
  for select to authenticated
  using (
    (
      user_id = (select auth.uid())
      or organization_id
         = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
    )
    and exists (
      select from public.user_compositions as c where c.id = composition_layers.composition_id
    )
  );
