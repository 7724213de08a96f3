"""Documents broken on purpose: what the validator says of a misspelt name."""

import copy
from collections.abc import Iterator

from demo.a2ui import children, put_child
from demo.histories import Json
from demo.stage import Composition, Stage

# Elsewhere, what looks like a child may be the host's own (docs/document.md).
_CHILD_KEYS = {
    "Button": ["child"],
    "Card": ["child"],
    "Column": ["children"],
    "List": ["children"],
    "Modal": ["trigger", "content"],
    "Row": ["children"],
    "Tabs": ["tabs"],
}


def misspell(stage: Stage, composition: Composition) -> None:
    """Have the head validated, then with a name misspelt: told are the place and the name meant."""
    document = composition.documents[-1]
    answer = stage.call(composition.owner, "validate_document", document=document)
    stage.check(f"{composition.id}: its document is", answer, {"valid": True, "problems": []})
    for broken, told in _misspellings(document):
        answer = stage.call(composition.owner, "validate_document", document=broken)
        if answer["valid"]:
            stage.fail(f"{composition.id}: a misspelt document is valid")
        problems = [p for p in answer["problems"] if told.items() <= p.items()]
        if not problems:
            stage.fail(f"{composition.id}: of a misspelt document it does not say {told}")
        stage.outcome.problems.extend(problems)


def _misspellings(document: Json) -> Iterator[tuple[Json, Json]]:
    components = document.get("components", {})
    for id, place, child in _children(components):
        broken = copy.deepcopy(document)
        # No id has this character: the name that was meant is the only one so close.
        put_child(broken["components"][id], place, f"{child}~")
        yield (
            broken,
            {
                "code": "unresolved_child",
                "path": f"/components/{id}/{place}",
                "nearest": child,
            },
        )
        break

    key = "body" if "body" in document else "components"
    typed = key[:-1]
    broken = {(typed if name == key else name): value for name, value in document.items()}
    yield broken, {"code": "unknown_key", "path": f"/{typed}", "nearest": key}


def _children(components: Json) -> Iterator[tuple[str, str, str]]:
    for id, component in components.items():
        keys = ["component", *_CHILD_KEYS.get(component["component"], [])]
        for place, child in children({key: component[key] for key in keys if key in component}):
            if not any(_as_close(other, child) for other in components if other != child):
                yield id, place, child


def _as_close(id: str, child: str) -> bool:
    return len(id) <= len(child) + 1 and id.lower().startswith(child.lower())
