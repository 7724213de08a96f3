-- What two people made of the same JSON value, in one: a three-way merge.
--
--   base        any jsonb that both started from; null: it was not there, which is not JSON's null
--   head        what one of them made of it; null: it is gone
--   mine        what the other made of it; null: it is gone
--   keep_edits  whether what mine edits stays where the head deletes it
--   merged      the value that has the changes of both; null: it is gone
--   conflicts   array of {path, kind, base?, head?, mine?}, at most 100, empty when nothing of
--               either side is lost; path is private.pointer(), with elements of keyed arrays by
--               their id
--
-- The rules (docs/merge.md): what is the same on both sides, or changed by one of them, is that.
-- Objects are merged key by key, keyed arrays element by element (private.merge_kind()); any other
-- value is one piece. What cannot have both changes is flagged:
--
--   both_changed  the head's value stays
--   delete_edit   mine deletes what the head edits: the edit stays
--   edit_delete   mine edits what the head deletes: the edit stays, unless keep_edits says no
--   order         both put the same elements into another order: the head's order stays; base, head
--                 and mine are ids then
--
-- Exact as private.json_diff(): 1 and 1.0 are different. The work is bounded whatever the values
-- are: at most 4,000 objects and arrays that both changed are looked into, 100 levels deep, and no
-- arrays that have 80,000 elements together. What the bounds leave out is one piece.
create function private.merge_json(
  base          jsonb,
  head          jsonb,
  mine          jsonb,
  keep_edits    boolean default true,
  out merged    jsonb,
  out conflicts jsonb
)
language plpgsql immutable
set search_path = ''
as $$
declare
  whole record := private.merge_values(base, head, mine, keep_edits);
begin
  merged := whole.merged;
  conflicts := to_jsonb(whole.conflicts);
end;
$$;
