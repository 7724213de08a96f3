"""First pages, layers and patches through the functions: shown at once, and from the cache."""

from typing import Any

from demo.acts.personal import Page
from demo.functions import HOME, Asked, Functions, connected, path_of, shown_in, the
from demo.histories import Json
from demo.places import changed, nested, places
from demo.stage import Composition, Person, Stage

_CONTEXT = "topic:today"
_MERGE_PATCH = "application/merge-patch+json"
_TRIES = 5


def pin(stage: Stage) -> None:
    """Somebody pins one composition, then another: each is shown at once, then from the cache."""
    reader = stage.compositions[0].owner
    path = f"/v1/pins/{_CONTEXT}"
    context = shown_in(_CONTEXT)
    with connected(stage) as functions:
        functions.expect("nothing_pinned", "who pinned nothing", reader, "GET", context.path)
        for composition in [c for c in stage.compositions if reader in c.readers][:2]:
            functions.send(reader, "PUT", path, json={"composition_id": composition.id})
            _check_shown(stage, functions, reader, context, composition)
            functions.changed(HOME)
            _load_twice(stage, functions, reader, HOME)
        functions.send(reader, "DELETE", path)
        functions.expect("nothing_pinned", "who unpinned it", reader, "GET", context.path)


def move_default(stage: Stage, page: Page) -> None:
    """An admin pins another default: its members see that at once, then from the cache."""
    first = next(c for c in stage.compositions if c.organization_id == page.admin.organization_id)
    with connected(stage) as functions:
        for composition in (first, page.composition):
            _load_twice(stage, functions, page.member, shown_in("home"))
            functions.send(
                page.admin,
                "PUT",
                "/v1/pins/home",
                json={"composition_id": composition.id, "scope": "organization"},
            )
            for asked in (HOME, shown_in("home")):
                functions.changed(asked)
            _check_shown(stage, functions, page.member, shown_in("home"), composition)
            _load_twice(stage, functions, page.member, HOME)


def change_for_oneself(stage: Stage, page: Page) -> None:
    """A layer set through the functions is seen at once by who set it, and by nobody else."""
    composition, member = page.composition, page.member
    layer = f"{path_of(composition)}/layer"
    place, _ = places(page.document)
    values = {place: "Through the functions"}
    with connected(stage) as functions:
        for person in (member, page.admin):
            functions.load(person, the(composition))
        functions.send(member, "PATCH", layer, **_patch(values, composition.version))
        functions.changed(the(composition))
        functions.load(member, the(composition))
        seen = functions.wanted(member, the(composition))["document"]
        stage.compare(composition, composition.version, seen, changed(page.document, values))
        functions.load(page.admin, the(composition), is_known=True)
        functions.send(member, "DELETE", layer)
        functions.changed(the(composition))
        functions.load(member, the(composition))


def patch_late(stage: Stage) -> None:
    """A stale patch is answered with what is there now, and what a merge would make of it."""
    composition = stage.compositions[0]
    editor, *_ = stage.outsiders(composition.owner)
    path = path_of(composition)
    with connected(stage) as functions:
        before = functions.wanted(composition.owner, the(composition))["document"]
        version = composition.version
        first, second = places(before)
        theirs, mine = {first: "In time"}, {second: "Too late"}
        saved = functions.send(composition.owner, "PATCH", path, **_patch(theirs, version))
        stage.add_version(composition, changed(before, theirs), saved.json())
        for values, conflicts in ((mine, []), ({first: "Too late"}, [first])):
            refused = functions.expect(
                "version_conflict",
                "a stale PATCH",
                editor,
                "PATCH",
                path,
                **_patch(values, version),
            )
            what = f"{composition.id}: a stale PATCH is answered with"
            current = refused.get("current", {})
            stage.check(f"{what} version", current.get("version"), composition.version)
            stage.compare(
                composition, composition.version, current.get("document"), changed(before, theirs)
            )
            found = [conflict["path"] for conflict in refused.get("conflicts", [])]
            stage.check(f"{what} conflicts", found, conflicts)
            if not conflicts:
                wanted = changed(before, theirs | values)
                stage.check(f"{what} the merge", refused.get("merged"), wanted)
        merged = functions.send(
            editor, "PATCH", path, params={"on_conflict": "merge"}, **_patch(mine, version)
        )
        stage.add_version(composition, changed(before, theirs | mine), merged.json())
        functions.changed(the(composition))
        functions.load(editor, the(composition))
    composition.documents.clear()


def _check_shown(
    stage: Stage, functions: Functions, person: Person, asked: Asked, composition: Composition
) -> None:
    functions.changed(asked)
    _load_twice(stage, functions, person, asked)
    found = functions.wanted(person, asked)["composition_id"]
    stage.check(f"{asked.name}: {person.name} is shown", found, composition.id)


def _load_twice(stage: Stage, functions: Functions, person: Person, asked: Asked) -> None:
    """The second time it is in the cache; somebody else's webhook may just have dropped it."""
    functions.load(person, asked)
    kinds = []
    for _ in range(_TRIES):
        kinds.append(functions.load(person, asked))
        if kinds[-1] == "hit":
            return
    stage.fail(f"{asked.name}: {person.name} loads it, and never from the cache: {kinds}")


def _patch(values: Json, version: int) -> dict[str, Any]:
    return {
        "json": nested(values),
        "headers": {"If-Match": f'"{version}"', "Content-Type": _MERGE_PATCH},
    }
