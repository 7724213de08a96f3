"""Layers for tests: short calls, and what a load has to show of them, computed once more."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonpatch
import psycopg
from psycopg.types.json import Jsonb

from demo.histories import History
from tests.people import Json, Person
from tests.samples import exact


def add(path: str, value: Any) -> Json:
    """An operation that puts a value there."""
    return {"op": "add", "path": path, "value": value}


def lay(
    person: Person, composition_id: str, *operations: Json, base_version: int = 1, **more: Any
) -> Json:
    """Call `set_layer` with a patch of these operations."""
    layer: Json = person.call(
        "set_layer",
        composition_id=composition_id,
        base_version=base_version,
        patch=Jsonb(list(operations)),
        **more,
    )
    return layer


def shown(person: Person, composition_id: str) -> Json:
    """The body of the document that a person loads."""
    body: Json = person.call("load_composition", composition_id=composition_id)["document"]["body"]
    return body


def fits(person: Person, composition_id: str) -> list[tuple[str, str, list[str]]]:
    """Of each layer in what a person loads: scope, state and paths."""
    loaded = person.call("load_composition", composition_id=composition_id)
    return [(layer["scope"], layer["state"], layer["paths"]) for layer in loaded.get("layers", [])]


class _Absent:
    """Nothing there, which is not JSON's null."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def expected(base: Any, head: Any, mine: Any) -> tuple[Any, dict[str, str]]:
    """What a layer makes of a later head, and what of it does not apply.

    Said once more after docs/merge.md and docs/layers.md, for layers that leave the order of arrays
    alone, and add no element.

    Args:
        base: The document that the layer was made on.
        head: The later one.
        mine: What the layer made of the base.

    Returns:
        The document, before its structure is looked at; and kinds of conflict by path.
    """
    flags: dict[str, str] = {}
    return _merged(base, head, mine, "", flags), flags


def _merged(base: Any, head: Any, mine: Any, path: str, flags: dict[str, str]) -> Any:
    if exact(mine) in (exact(base), exact(head)):
        return head
    if exact(head) == exact(base):
        return mine
    parts = [_parts(value) for value in (base, head, mine)]
    if base is ABSENT:
        parts[0] = {} if isinstance(head, dict) else None
    kinds = {type(value) for value in (base, head, mine) if value is not ABSENT}
    if len(kinds) > 1 or None in parts:
        flags[path] = (
            "edit_delete" if head is ABSENT else "delete_edit" if mine is ABSENT else "both_changed"
        )
        return head
    ours, theirs, wanted = (part or {} for part in parts)
    merged = {}
    for key in [*theirs, *(key for key in {**ours, **wanted} if key not in theirs)]:
        below = f"{path}/{key[:100].replace('~', '~0').replace('/', '~1')}"
        value = _merged(
            ours.get(key, ABSENT), theirs.get(key, ABSENT), wanted.get(key, ABSENT), below, flags
        )
        if value is not ABSENT:
            merged[key] = value
    return merged if isinstance(head, dict) else list(merged.values())


def _parts(value: Any) -> dict[str, Any] | None:
    """The parts of an object, or of an array whose elements have a name each; else None."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return None
    names: list[str] = []
    for element in value:
        name = element.get("id") if isinstance(element, dict) else element
        allowed = str | int | float if isinstance(element, dict) else str
        if type(element) is not type(value[0]) or not isinstance(name, allowed) or name is True:
            return None
        names.append(str(name))
    return dict(zip(names, value, strict=True)) if len(set(names)) == len(names) else None


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All scalars below some value, and empty objects and arrays: by their JSON Pointer."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        below = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if isinstance(part, dict | list) and part:
            yield from leaves(part, below)
        else:
            yield below, part


def some_changes(document: Json, chance: random.Random) -> list[Json]:
    """Operations of a layer: it changes what it finds, takes a key away and adds one."""
    # What is an element itself, or tells one from others, would be another element.
    found = [
        (path, value)
        for path, value in leaves(document)
        if path.count("/") > 1 and not re.search(r"/(\d+|id)$", path)
    ]
    chosen = chance.sample(found, min(4, len(found)))
    operations: list[Json] = [
        {"op": "replace", "path": path, "value": f"{value} (mine)"} for path, value in chosen[:3]
    ]
    operations += [{"op": "remove", "path": path} for path, _ in chosen[3:]]
    return [*operations, *([] if "ext" in document else [add("/ext", {"host/mine": True})])]


def try_layer(person: Person, composition_id: str, document: Json, seed: int) -> Json | None:
    """Set a layer on version 1 that makes a valid document of it.

    Returns:
        That document, or None if chance found no such layer.
    """
    chance = random.Random(seed)
    for _ in range(20):
        operations = some_changes(document, chance)
        try:
            lay(person, composition_id, *operations)
        except psycopg.Error as error:
            if error.sqlstate != "PT422":
                raise
        else:
            wanted: Json = jsonpatch.apply_patch(document, operations)
            return wanted
    return None


def play_history(person: Person, history: History, seed: int) -> Counter[str]:
    """Save a history version by version with a layer on its first one, and check every load.

    Returns:
        How many loads there were of each state; none if there was no layer.
    """
    base = history.revisions[0].document
    made = person.call("create_composition", title=history.title, document=base)
    piece = {"composition_id": made["composition_id"]}
    wanted = try_layer(person, **piece, document=base, seed=seed)
    states: Counter[str] = Counter()
    if wanted is None:
        return states

    for version, revision in enumerate(history.revisions, start=1):
        if version > 1:
            person.call(
                "save_version", **piece, base_version=version - 1, document=revision.document
            )
        loaded = person.call("load_composition", **piece)
        ((layer),) = loaded["layers"]
        document, flags = expected(base, revision.document, wanted)
        if layer["paths"] and layer["paths"][-1] == "":
            assert not person.call("validate_document", document=Jsonb(document))["valid"]
            assert exact(loaded["document"]) == exact(revision.document)
            flags[""] = "structure"
        else:
            assert exact(loaded["document"]) == exact(document), (history.title, version)
        found = {c["path"]: c["kind"] for c in layer.get("conflicts", [])}
        assert found == flags and set(layer["paths"]) == set(flags), (history.title, version)
        states[layer["state"]] += 1
        kinds = set(flags.values())
        assert layer["state"] == (
            "applied" if not kinds else "stale" if kinds == {"edit_delete"} else "conflict"
        )

    give_back(person, made["composition_id"])
    return states


def give_back(person: Person, composition_id: str) -> None:
    """Take a layer back path by path, some of them together where one needs the other.

    What is loaded then is what was loaded before there was a layer.
    """
    piece = {"composition_id": composition_id}
    together: list[str] = []
    while changes := person.call("get_layer", **piece)["changes"]:
        together.append(next(path for path in changes if path not in together))
        try:
            person.call("reset_layer", **piece, paths=together)
        except psycopg.Error as error:
            if error.sqlstate != "PT422":
                raise
        else:
            together = []
    plain = person.call("load_composition", **piece, layered=False)
    assert person.call("load_composition", **piece) == plain
