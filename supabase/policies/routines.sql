-- Who may execute what. A function that is not named here is reachable by nobody.

-- The API: signed-in people.
grant execute on function
  public.accept_invitation(text),
  public.accept_share_link(text),
  public.add_organization_member(uuid, uuid, text),
  public.call_once(text, text, jsonb),
  public.clear_parameter(uuid, text, text, uuid, integer, text, jsonb),
  public.create_composition(text, jsonb, uuid, text, text[], text, jsonb),
  public.create_organization(text),
  public.create_share_link(uuid, text, timestamptz),
  public.delete_composition(uuid, integer),
  public.delete_my_account(text),
  public.diff_versions(uuid, integer, integer),
  public.export_my_data(text, integer),
  public.fork_composition(uuid, text, uuid, integer, jsonb),
  public.get_document(text),
  public.get_layer(uuid, text, uuid),
  public.get_version(uuid, integer),
  public.invite_to_organization(uuid, text, text),
  public.label_version(uuid, integer, text),
  public.leave_organization(uuid),
  public.list_invitations(uuid),
  public.list_my_compositions(jsonb, text, integer),
  public.list_pins(),
  public.list_shares(uuid),
  public.list_versions(uuid, text, integer),
  public.load_composition(uuid, text[], boolean),
  public.load_home(text[]),
  public.open_share_link(text),
  public.pin_composition(text, uuid, text, uuid, integer, jsonb),
  public.patch_composition(uuid, integer, jsonb, text, text, text, jsonb),
  public.promote_layer(uuid, text, text, uuid, text, uuid, text, jsonb),
  public.preview_merge(uuid, integer, jsonb, jsonb, text),
  public.promote_layer(uuid, text, text, uuid, text, uuid, text, jsonb),
  public.purge_composition(uuid),
  public.remove_organization_member(uuid, uuid),
  public.reset_layer(uuid, text[], text, uuid, jsonb),
  public.resolve_context(text, text[]),
  public.restore_version(uuid, integer, text, jsonb),
  public.revoke_invitation(uuid),
  public.revoke_share_link(uuid),
  public.save_version(uuid, integer, jsonb, text, text, jsonb),
  public.set_layer(uuid, integer, jsonb, text, uuid, text, text, jsonb),
  public.set_organization_role(uuid, uuid, text),
  public.set_parameter(uuid, text, jsonb, text, uuid, integer, text, jsonb),
  public.share_composition(uuid, text, uuid, uuid, timestamptz),
  public.transfer_composition(uuid, uuid, uuid),
  public.undelete_composition(uuid),
  public.undo_turn(text, text, jsonb),
  public.unpin_composition(text, text, uuid, jsonb),
  public.unshare_composition(uuid, uuid, uuid),
  public.update_from_upstream(uuid, boolean, text, integer, text, jsonb),
  public.update_metadata(uuid, text, text, text[]),
  public.validate_document(jsonb)
to authenticated;

-- Jobs: a scheduler with the service key. They need nothing else, no table and no helper.
grant execute on function
  public.acknowledge_invalidations(jsonb),
  public.current_etags(jsonb),
  public.load_for_warming(uuid[]),
  public.pending_invalidations(integer),
  public.popular_compositions(integer, integer),
  public.purge_trash(integer),
  public.purge_versions(integer),
  public.record_usage(jsonb)
to service_role;

-- A link opens for whoever has it, signed in or not. Nothing else is for anon.
grant execute on function public.open_share_link(text) to anon;

-- Helpers that policies and triggers call as the person who asks.
grant execute on function
  private.composition_role(uuid),
  private.my_administered_organization_ids(),
  private.my_id(),
  private.shared_with_me_ids(text[])
to authenticated;
