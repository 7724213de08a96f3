-- The version that an edit is merged from.
--
--   composition_id  a composition
--   base_version    the version that the edit started from
--   version         that version; of a conflict, which never was the head, the one that it started
--                   from in turn; null: it is gone, or never was
--   document        its document
--
-- Definer rights: as save_document().
create function private.merge_base(
  composition_id uuid,
  base_version   integer,
  out version    integer,
  out document   jsonb
)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  select b.version, d.document into merge_base.version, merge_base.document
    from public.composition_versions as v
    join public.composition_versions as b
      on b.composition_id = v.composition_id
     and b.version = case v.kind when 'conflict' then v.parent_version else v.version end
    join public.compositions as d on d.content_hash = b.content_hash
   where v.composition_id = merge_base.composition_id
     and v.version = merge_base.base_version;
end;
$$;
