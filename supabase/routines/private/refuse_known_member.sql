-- Refuse to add a person who is a member already.
--
--   user_id  the person
--
-- Raises
--   PT409 already_member  always
create function private.refuse_known_member(user_id uuid) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  raise exception 'user % is a member already', user_id using
    errcode = 'PT409',
    detail  = jsonb_build_object('code', 'already_member'),
    hint    = 'Change the role with set_organization_role().';
end;
$$;
