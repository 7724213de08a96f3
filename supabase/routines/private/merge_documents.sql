-- Merge documents (private.merge_json()) into one that is valid.
--
--   base        the document that both started from
--   head        what one of them made of it: a valid document
--   mine        what the other made of it: a valid document
--   keep_edits  whether what mine edits stays where the head deletes it
--   merged      a valid document; null: there is none
--   conflicts   as there; without merged, one more: {path: '', kind: 'structure', problems}. The
--               changes of both, each without fault, may not go together: one moves a component
--               into another that the other one deletes
create function private.merge_documents(
  base          jsonb,
  head          jsonb,
  mine          jsonb,
  keep_edits    boolean default true,
  out merged    jsonb,
  out conflicts jsonb
)
language plpgsql stable
set search_path = ''
as $$
declare
  problems jsonb := '[]';
begin
  select m.merged, m.conflicts into merged, conflicts
    from private.merge_json(base, head, mine, keep_edits) as m;

  if not record_image_eq(row (merged), row (head)) and not record_image_eq(row (merged), row (mine))
  then
    problems := private.document_problems(merged);
  end if;

  if problems <> '[]' then
    merged := null;
    conflicts := conflicts || jsonb_build_object(
      'path', '', 'kind', 'structure', 'problems', problems
    );
  end if;
end;
$$;
