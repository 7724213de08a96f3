"""Two people who change a document at once, and patches of it: nothing that either did is lost."""

import json
from typing import Any

from demo.histories import Json
from demo.places import changed, nested, patched, places, value_at
from demo.stage import Composition, Person, Stage

_EXAMPLES = 2
_BRIEF = 80  # characters, of a value that is worth showing


def merge(stage: Stage, composition: Composition) -> None:
    """Owner and editor save from the same version, in two places: the second save is merged."""
    owner = composition.owner
    editor, viewer, _ = stage.outsiders(owner)
    base, document = composition.version, composition.documents[-1]
    first, second = places(document)
    theirs = {first: f"As {owner.name} has it"}
    mine = {second: f"As {editor.name} has it"}

    _save(stage, composition, owner, changed(document, theirs))
    saved = stage.call(
        editor,
        "save_version",
        composition_id=composition.id,
        base_version=base,
        document=changed(document, mine),
        on_conflict="merge",
    )
    stage.check(f"{composition.id}: a save elsewhere is merged:", saved.get("merged"), True)
    stage.add_version(composition, changed(document, theirs | mine), saved)
    stage.load(composition, viewer, "viewer")
    page = stage.call(viewer, "list_versions", composition_id=composition.id, row_limit=1)
    stage.check(
        f"{composition.id}: its newest version is",
        [(item["version"], item["kind"], item["origin"]) for item in page["items"]],
        [(composition.version, "merge", {"kind": "merge", "base_version": base})],
    )


def keep_both(stage: Stage, composition: Composition) -> None:
    """In the same place, the second save is kept beside the head, until its author decides."""
    owner = composition.owner
    editor, viewer, _ = stage.outsiders(owner)
    base, document = composition.version, composition.documents[-1]
    place, _ = places(document)
    theirs = changed(document, {place: f"{owner.name} wrote this"})
    mine = changed(document, {place: f"{editor.name} wrote this"})
    conflict = {
        "path": place,
        "kind": "both_changed",
        "head": value_at(theirs, place),
        "mine": value_at(mine, place),
    }
    if (before := value_at(document, place)) is not None:
        conflict["base"] = before

    late = {"composition_id": composition.id, "base_version": base, "document": mine}
    _save(stage, composition, owner, theirs)
    shown = stage.call(editor, "preview_merge", **late)
    stage.check(f"{composition.id}: a merge would be in conflict:", shown["conflicts"], [conflict])
    saved = stage.call(editor, "save_version", **late, on_conflict="merge")
    stage.check(
        f"{composition.id}: a save in the same place:",
        (saved.get("merged"), saved["version"], saved.get("conflicts")),
        (False, composition.version, [conflict]),
    )
    stage.load(composition, viewer, "viewer")
    _tell(stage, composition, conflict)

    # Kept, it has a number of its own, but is no head.
    kept = saved.get("conflict_version", 0)
    stage.check(f"{composition.id}: kept beside the head as", kept, composition.version + 1)
    found = stage.call(editor, "get_version", composition_id=composition.id, version=kept)
    stage.compare(composition, kept, found["document"], mine)
    settled = stage.call(editor, "save_version", **late | {"base_version": composition.version})
    composition.version = kept
    composition.documents.append(mine)
    stage.add_version(composition, mine, settled)
    stage.load(composition, owner, "owner")


def patch(stage: Stage, composition: Composition) -> None:
    """The editor sends patches instead of documents: they make what the RFCs say, or nothing."""
    editor, viewer, _ = stage.outsiders(composition.owner)
    document = composition.documents[-1]
    place, _ = places(document)
    ext = "/ext/demo~1patched" if "ext" in document else "/ext"
    operations = [
        {"op": "test", "path": "/dialect", "value": document["dialect"]},
        {"op": "add", "path": ext, "value": True if "ext" in document else {"demo/patched": True}},
        {"op": "add", "path": place, "value": "Patched"},
    ]
    _patch(stage, composition, editor, operations, patched(document, operations))

    values = {place: "Merged in", "/ext/demo~1patched": None}
    after = changed(document | {"ext": document.get("ext", {})}, {place: "Merged in"})
    _patch(stage, composition, editor, nested(values), after, format="merge-patch")

    for code, what, operation in (
        (
            "patch_test_failed",
            "a patch of something else",
            {"op": "test", "value": "Never written"},
        ),
        ("patch_path_not_found", "a patch of nothing", {"op": "remove", "path": f"{place}~0"}),
        ("invalid_patch", "what is no patch", {"op": "increase"}),
    ):
        _expect(
            stage, code, what, editor, composition, [*operations[1:], {"path": place} | operation]
        )
    late = {"base_version": composition.version - 1}
    _expect(stage, "version_conflict", "a stale patch", editor, composition, operations, **late)
    _expect(stage, "composition_read_only", "a viewer's patch", viewer, composition, operations)
    stage.load(composition, composition.owner, "owner")


def _save(stage: Stage, composition: Composition, person: Person, document: Json) -> None:
    saved = stage.call(
        person,
        "save_version",
        composition_id=composition.id,
        base_version=composition.version,
        document=document,
    )
    stage.add_version(composition, document, saved)


def _patch(
    stage: Stage,
    composition: Composition,
    person: Person,
    patch: list[Json] | Json,
    wanted: Any,
    **more: str,
) -> None:
    made = stage.call(
        person,
        "patch_composition",
        composition_id=composition.id,
        base_version=composition.version,
        patch=patch,
        **more,
    )
    stage.add_version(composition, wanted, made)
    stage.load(composition, person, "editor")


def _expect(
    stage: Stage,
    code: str,
    what: str,
    person: Person,
    composition: Composition,
    patch: list[Json],
    **changed: Any,
) -> None:
    arguments = {"composition_id": composition.id, "base_version": composition.version}
    stage.expect(code, what, person, "patch_composition", **arguments | changed, patch=patch)


def _tell(stage: Stage, composition: Composition, conflict: Json) -> None:
    # One is enough, and the first that is short to read.
    told = stage.outcome.told
    step = "Two people wrote in the same place"
    if step not in told and len(json.dumps(conflict)) < 4 * _BRIEF:
        stage.tell(step, composition.title, conflict)
