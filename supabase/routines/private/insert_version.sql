-- Append a version to a composition and make it the head, unless it is a conflict.
--
--   composition     the row, locked
--   document        a valid document
--   kind            what the version is: a value of composition_versions.kind
--   origin          who made it and how: {"kind": …}
--   message         what changed, in words; null: nothing to say
--   parent_version  what the document was made from; 0: nothing
--   version         its number: one more than the greatest there is, which is the head's or that of
--                   a conflict after it
--   changed         the row as it is now
--
-- Raises
--   PT422 invalid_argument  the message is too long
--
-- Definer rights: nobody may write versions or move a head in any other way.
create function private.insert_version(
  composition    public.user_compositions,
  document       jsonb,
  kind           text,
  origin         jsonb,
  message        text,
  parent_version integer,
  out version    integer,
  out changed    public.user_compositions
)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  hash   bytea := private.store_document(insert_version.document);
  broken text;
begin
  insert into public.composition_versions as v
    (composition_id, version, content_hash, parent_version, kind, origin, message)
  select composition.id, coalesce(max(n.version), 0) + 1, hash,
         nullif(insert_version.parent_version, 0), insert_version.kind, insert_version.origin,
         insert_version.message
    from public.composition_versions as n
   where n.composition_id = composition.id
  returning v.version into insert_version.version;

  changed := composition;
  if insert_version.kind <> 'conflict' then
    update public.user_compositions as c
       set current_version = insert_version.version, current_hash = hash
     where c.id = composition.id
    returning c.* into changed;
  end if;
exception
  when check_violation then
    get stacked diagnostics broken = constraint_name;
    perform private.refuse_argument(broken);
end;
$$;
