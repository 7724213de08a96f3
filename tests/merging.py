"""The rules of a merge (docs/merge.md) once more, in Python and without looking at the SQL.

Values are what json.loads(…, parse_float=Decimal) makes.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

Json = dict[str, Any]


class Missing:
    """What is not there, which is not null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = Missing()
MIRRORED = {"edit_delete": "delete_edit", "delete_edit": "edit_delete"}


class Merge(NamedTuple):
    """What became of three values."""

    merged: Any
    conflicts: list[Json]


def merge(base: Any, head: Any, mine: Any, keep_edits: bool = True, path: str = "") -> Merge:
    """Make one of what two people made of the same.

    Args:
        base: What both started from.
        head: What the first made of it.
        mine: What the second made of it.
        keep_edits: Whether what the second edits stays where the first deletes it.
        path: Where it stands.
    """
    if same(head, mine) or same(mine, base):
        return Merge(head, [])
    if same(head, base):
        return Merge(mine, [])
    return merge_parts([base, head, mine], keep_edits, path) or keep_one(
        base, head, mine, keep_edits, path
    )


def keep_one(base: Any, head: Any, mine: Any, keep_edits: bool, path: str) -> Merge:
    """What is one piece cannot be both."""
    if mine is MISSING:
        return Merge(head, [conflict(path, "delete_edit", base=base, head=head)])
    if head is MISSING:
        kept = mine if keep_edits else MISSING
        return Merge(kept, [conflict(path, "edit_delete", base=base, mine=mine)])
    return Merge(head, [conflict(path, "both_changed", base=base, head=head, mine=mine)])


def merge_parts(sides: list[Any], keep_edits: bool, path: str) -> Merge | None:
    """Part by part, where all sides have parts that can be told apart and none is gone."""
    if MISSING in sides[1:]:
        return None
    if all(isinstance(side, dict) or side is MISSING for side in sides):
        keyed = [{} if side is MISSING else side for side in sides]
        return merge_keyed(keyed, keep_edits, path)
    if all(isinstance(side, list) or side is MISSING for side in sides):
        lists: list[list[Any]] = [[] if side is MISSING else side for side in sides]
        for name in (id_of, text_of):
            found = [[name(element) for element in side] for side in lists]
            names = [[name for name in side if name is not None] for side in found]
            if names == found and all(len(set(side)) == len(side) for side in names):
                return merge_lists(names, lists, keep_edits, path)
    return None


def merge_keyed(sides: list[Json], keep_edits: bool, path: str) -> Merge:
    """Key by key."""
    whole: Json = {}
    conflicts = []
    for key in sorted({key for side in sides for key in side}):
        base, head, mine = (side.get(key, MISSING) for side in sides)
        value, found = merge(base, head, mine, keep_edits, f"{path}/{token(key)}")
        conflicts += found
        if value is not MISSING:
            whole[key] = value
    return Merge(whole, conflicts)


def merge_lists(
    names: list[list[str]], lists: list[list[Any]], keep_edits: bool, path: str
) -> Merge:
    """Element by element, then in order."""
    keyed = [dict(zip(*pair, strict=True)) for pair in zip(names, lists, strict=True)]
    elements, conflicts = merge_keyed(keyed, keep_edits, path)
    base, head, mine = names

    # Whose order it is.
    both = set(head) & set(mine)
    first, second = head, mine
    if only(head, both) != only(mine, both):
        known = both & set(base)
        by_head = only(head, known) != only(base, known)
        by_mine = only(mine, known) != only(base, known)
        if by_head == by_mine:
            ids = [[identity(element) for element in side] for side in lists]
            found = conflict(path, "order", base=ids[0], head=ids[1], mine=ids[2])
            conflicts = [*conflicts, found]
        elif by_mine:
            first, second = mine, head

    # What only the second has comes after what it comes after there, and what the first put there.
    order = list(first)
    place = 0
    for name in second:
        if name in first:
            place = order.index(name) + 1
            continue
        while place < len(order) and order[place] not in both:
            place += 1
        order.insert(place, name)
        place += 1
    return Merge([elements[name] for name in order if name in elements], conflicts)


def only(names: list[str], some: set[str]) -> list[str]:
    return [name for name in names if name in some]


def same(one: Any, other: Any) -> bool:
    return text(one) == text(other)


def text(value: Any) -> str:
    """Of a value: 1, 1.0 and true have different ones. Numbers with a point are marked by \\0."""
    return json.dumps(value, sort_keys=True, default=lambda other: f"\0{other}")


def id_of(element: Any) -> str | None:
    """The text of the id of an object that has one."""
    found = element.get("id") if isinstance(element, dict) else None
    if isinstance(found, bool) or found is None or isinstance(found, dict | list):
        return None
    return str(found)


def text_of(element: Any) -> str | None:
    return element if isinstance(element, str) else None


def identity(element: Any) -> Any:
    return element["id"] if isinstance(element, dict) else element


def token(key: str) -> str:
    return key[:100].replace("~", "~0").replace("/", "~1")


def conflict(path: str, kind: str, **sides: Any) -> Json:
    found = {name: value for name, value in sides.items() if value is not MISSING}
    return {"path": path, "kind": kind} | found


def mirrored(found: Json) -> Json:
    """A conflict as it is found with head and mine exchanged."""
    turned = {"head": "mine", "mine": "head"}
    return {turned.get(name, name): value for name, value in found.items()} | {
        "kind": MIRRORED.get(found["kind"], found["kind"])
    }
