-- Refuse one more of something when there are as many as a setting allows.
--
--   setting  a row of private.settings
--   taken    how many there are, counted under a lock that whoever adds one holds
--
-- Raises
--   PT403 quota_exceeded  there is no room for another one
create function private.require_room(setting text, taken bigint) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  quota constant bigint := private.setting(require_room.setting);
begin
  if taken >= quota then
    raise exception 'there are % already, which is all that % allows',
      quota, require_room.setting using
      errcode = 'PT403',
      detail  = jsonb_build_object('code', 'quota_exceeded', 'quota', quota),
      hint    = 'Purge or take back what is no longer needed.';
  end if;
end;
$$;
