-- What a layer makes of the document that it was made on.
--
--   base     that document
--   patch    the layer's: one of private.json_diff()
--   returns  the changed document
--
-- As private.apply_json_patch() does it, but without asking for the limits: the patch was within
-- them once, and a load is not refused because an operator has lowered one.
create function private.on_base(base jsonb, patch jsonb) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    private.patch_value(
      jsonb_build_object('', base), private.patch_operations(patch), 0, 3000000
    )
  ).patched -> '';
end;
$$;
