-- Who may do what to a pin. A pin says what it is on, so it is there only for those who may view
-- the composition: with that in the trash, for nobody.
--
--            stranger  who pinned it  member of the organisation  admin
--   select      -           yes                  yes               yes
--   insert      -            -                    -                 -    pin_composition()
--   update      -        position                 -             position
--   delete      -            -                    -                 -    unpin_composition()

revoke all on public.composition_pins from anon, authenticated, service_role;
grant select, update (position) on public.composition_pins to authenticated;

create policy composition_pins_select_viewer on public.composition_pins
  for select to authenticated
  using (
    (
      user_id = (select auth.uid())
      or organization_id
         = any ((select o.organization_ids from private.member_organizations as o)::uuid[])
    )
    and exists (
      select from public.user_compositions as c where c.id = composition_pins.composition_id
    )
  );

create policy composition_pins_update_keeper on public.composition_pins
  for update to authenticated
  using (
    user_id = (select auth.uid())
    or organization_id = any ((select private.my_administered_organization_ids())::uuid[])
  );
