-- Carry out a patch in either of two formats.
--
--   document  any jsonb within the limits
--   patch     what to change
--   format    'json-patch' (RFC 6902) or 'merge-patch' (RFC 7396)
--   returns   the changed document, which need not be a valid one
--
-- Raises
--   PT422 invalid_argument  the format is not known
-- and what private.apply_json_patch() and private.apply_merge_patch() raise.
create function private.apply_patch(document jsonb, patch jsonb, format text) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  case format
    when 'json-patch' then return private.apply_json_patch(document, patch);
    when 'merge-patch' then return private.apply_merge_patch(document, patch);
    else
      perform private.refuse_choice('format', '{json-patch,merge-patch}');
  end case;
end;
$$;
