-- Carry out a merge patch (RFC 7396).
--
--   target   any jsonb within the limits; SQL null: there is none
--   patch    an object: its keys are set, those that are null removed, objects merged into objects;
--            anything else takes the place of the target
--   returns  the changed value
--
-- Raises
--   PT422 invalid_patch  there is none, or it breaks a limit
create function private.apply_merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  perform private.require_patch_in_limits(patch);
  return private.merge_patched(target, patch);
end;
$$;
