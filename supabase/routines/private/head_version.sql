-- The version that is the head of a composition.
--
--   composition_id  a composition that the caller may view
--
-- Definer rights: it looks past the policies.
create function private.head_version(composition_id uuid) returns integer
language plpgsql stable security definer
set search_path = ''
as $$
begin
  return (
    select c.current_version
      from public.user_compositions as c
     where c.id = head_version.composition_id
  );
end;
$$;
