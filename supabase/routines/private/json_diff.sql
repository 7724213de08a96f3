-- What turns one JSON value into another: an RFC 6902 patch.
--
--   source   any jsonb
--   target   any jsonb
--   returns  array of {op: 'add', path, value}, {op: 'remove', path} and
--            {op: 'replace', path, value}; empty when both have the same text
--
-- Applied in order, the patch makes the target exactly: 1 and 1.0 are different content, so one
-- replaces the other. Paths are pointers of RFC 6901; that of an element is its place in the
-- target.
--
-- Short before complete: where the operations on a part have more text than the part, it is
-- replaced. The work is bounded whatever the values are: at most 4,000 objects and arrays are
-- looked into, 100 levels deep; at most 400,000 elements are compared to align arrays, and an
-- array with more than 20,000 elements between its first change and its last is compared place by
-- place. What the bounds leave out is replaced whole.
create function private.json_diff(source jsonb, target jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  if source = target and source::text = target::text then
    return '[]';
  end if;
  -- Not jsonb_agg(), whose time grows with the square of what one large value holds.
  return to_jsonb(array(
    select e.edit - 'was'
      from unnest((private.json_edits(source, target)).edits) with ordinality as e (edit, nth)
     order by e.nth
  ));
end;
$$;
