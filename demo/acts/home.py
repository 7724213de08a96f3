"""First pages, layers and patches through the functions: shown at once, and from the cache."""

from typing import Any

from demo.acts.personal import CONTEXT, Page
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
    path, context = f"/v1/pins/{_CONTEXT}", shown_in(_CONTEXT)
    with connected(stage) as functions:
        functions.expect("nothing_pinned", "who pinned nothing", reader, "GET", context.path)
        for composition in [c for c in stage.compositions if reader in c.readers][:2]:
            body = {"composition_id": composition.id}
            _write(functions, reader, "PUT", path, reader, context, json=body)
            _check_shown(stage, functions, reader, context, composition)
            functions.changed(HOME)
            _load_twice(stage, functions, reader, HOME)
        _write(functions, reader, "DELETE", path, reader, context)
        functions.expect("nothing_pinned", "who unpinned it", reader, "GET", context.path)


def move_default(stage: Stage, page: Page) -> None:
    """An admin pins another default: its members see that at once, then from the cache."""
    admin, member, context = page.admin, page.member, shown_in(CONTEXT)
    other = next(c for c in stage.compositions if c.organization_id == admin.organization_id)
    with connected(stage) as functions:
        for composition in (other, page.composition):
            _load_twice(stage, functions, member, context)
            body = {"composition_id": composition.id, "scope": "organization"}
            path = f"/v1/pins/{CONTEXT}"
            _write(functions, admin, "PUT", path, member, context, json=body)
            _check_shown(stage, functions, member, context, composition)
            functions.changed(HOME)
            _load_twice(stage, functions, member, HOME)


def change_for_oneself(stage: Stage, page: Page) -> None:
    """A layer set through the functions is seen at once by who set it, and by nobody else."""
    composition, member, asked = page.composition, page.member, the(page.composition)
    path = f"{path_of(composition)}/layer"
    with connected(stage) as functions:
        for person in (member, page.admin):
            functions.load(person, asked)
        document = functions.wanted(page.admin, asked)["document"]
        values = {places(document)[0]: "Through the functions"}
        patch = _patch(values, composition.version)
        _write(functions, member, "PATCH", path, member, asked, **patch)
        functions.load(member, asked)
        seen = functions.wanted(member, asked)["document"]
        stage.compare(composition, composition.version, seen, changed(document, values))
        functions.load(page.admin, asked, is_known=True)
        _write(functions, member, "DELETE", path, member, asked)
        functions.load(member, asked)


def patch_late(stage: Stage) -> None:
    """A stale patch is answered with what is there now, and what a merge would make of it."""
    composition = stage.compositions[0]
    editor, *_ = stage.outsiders(composition.owner)
    path, asked = path_of(composition), the(composition)
    with connected(stage) as functions:
        before = functions.wanted(composition.owner, asked)["document"]
        version = composition.version
        first, second = places(before)
        theirs, mine = {first: "In time"}, {second: "Too late"}
        in_time = _patch(theirs, version)
        saved = _write(functions, composition.owner, "PATCH", path, editor, asked, **in_time)
        stage.add_version(composition, changed(before, theirs), saved)
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
        merge = _patch(mine, version) | {"params": {"on_conflict": "merge"}}
        merged = _write(functions, editor, "PATCH", path, editor, asked, **merge)
        stage.add_version(composition, changed(before, theirs | mine), merged)
        functions.load(editor, asked)
    composition.documents.clear()


def _write(
    functions: Functions,
    person: Person,
    method: str,
    path: str,
    reader: Person,
    asked: Asked,
    **request: Any,
) -> Json:
    """Write as somebody what a reader must see at once: what is asked for is another then."""
    answer = functions.write(
        person, method, path, lambda: functions.agrees(reader, asked), **request
    )
    functions.changed(asked)
    written: Json = answer.json() if answer.content else {}
    return written


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
