"""Places in a document: where people change something, and what it is then, told by no database.

A place is a JSON Pointer, of which every token names a key of an object: so it stays the same
whatever is added beside it, and a merge names it the same way.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import jsonpatch

from demo.histories import Json

# Of a component whatever else a key holds may be its tree, or mean something to its catalog.
_TEXTS = ("text", "label", "description")
_WANTED = 2


def places(document: Json) -> list[str]:
    """Two places for people to write to: texts where there are any, else keys that are new."""
    return [*_texts(document), *_new_keys(document)][:_WANTED]


def value_at(document: Json, place: str) -> Any:
    """What stands at a place; None: nothing."""
    value: Any = document
    for token in _tokens(place):
        value = value.get(token) if isinstance(value, dict) else None
    return value


def changed(document: Json, values: Mapping[str, Any]) -> Json:
    """A document with other values at some places; what holds the place must be there."""
    result = copy.deepcopy(document)
    for place, value in values.items():
        *above, key = _tokens(place)
        target = result
        for token in above:
            target = target[token]
        target[key] = value
    return result


def nested(values: Mapping[str, Any]) -> Json:
    """The merge patch (RFC 7396) that makes the same of a document as `changed`."""
    patch: Json = {}
    for place, value in values.items():
        *above, key = _tokens(place)
        target = patch
        for token in above:
            target = target.setdefault(token, {})
        target[key] = value
    return patch


def patched(document: Json, patch: list[Json]) -> object:
    """What a patch (RFC 6902) makes of a document; where it cannot be applied, the reason."""
    try:
        return jsonpatch.apply_patch(document, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        return error


def _texts(document: Json) -> Iterator[str]:
    if "body" in document:
        yield from _strings("/body", document["body"])
    for id, component in document.get("components", {}).items():
        for key in _TEXTS:
            if isinstance(component.get(key), str):
                yield f"/components/{id}/{key}"


def _strings(place: str, value: Json) -> Iterator[str]:
    for key, inner in value.items():
        below = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
        if isinstance(inner, dict):
            yield from _strings(below, inner)
        elif isinstance(inner, str):
            yield below


def _new_keys(document: Json) -> Iterator[str]:
    holder = "/body" if "body" in document else f"/components/{document['root']}"
    for nth in range(_WANTED):
        yield f"{holder}/demo-{nth}"


def _tokens(place: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in place.split("/")[1:]]
