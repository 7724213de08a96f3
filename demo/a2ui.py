"""Documents from A2UI: the messages that an agent streams, folded into what they add up to.

What the messages say of the surface itself is kept in `ext`, under `a2ui/surface`. Messages never
take a component away: what was replaced, so that the root no longer leads to it, is left out.
"""

from collections.abc import Sequence
from typing import Any

from demo.histories import Json, SourceError

_ROOT = "root"  # A2UI's own word for the outermost component
_KINDS = {"createSurface", "updateComponents", "updateDataModel"}


def fold(messages: Sequence[Json]) -> Json:
    """The document that a list of A2UI 0.9 messages makes of one surface.

    Args:
        messages: createSurface, then updateComponents and updateDataModel, in the order sent.

    Raises:
        SourceError: A message is of no kind that is known, is for another surface, or puts data
            where there is no place for it.
    """
    surface: Json = {}
    components: dict[str, Json] = {}
    data: Any = {}
    for message in messages:
        kind = next((key for key in message if key in _KINDS), None)
        if kind is None:
            raise SourceError(f"no message of A2UI 0.9: {', '.join(message)}")
        body = message[kind]
        if body["surfaceId"] != surface.get("surfaceId", body["surfaceId"]):
            raise SourceError(f"a message for a second surface, {body['surfaceId']}")
        if kind == "createSurface":
            surface = body
        elif kind == "updateComponents":
            for component in body["components"]:
                components[component["id"]] = _without(component, "id")
        else:
            data = _put(data, _tokens(body.get("path", "")), body.get("value"))
    return {
        "format": "composition/1",
        "dialect": "a2ui/0.9.1",
        "root": _ROOT,
        "components": _below_the_root(components),
        "data": data,
        "ext": {"a2ui/surface": _without(surface, "surfaceId")},
    }


def children(component: Json) -> list[tuple[str, str]]:
    """(place, id) of the children of a component of the basic catalog: docs/document.md."""
    found = {"child": component.get("child")}
    several = component.get("children", [])
    if isinstance(several, dict):
        found["children/componentId"] = several["componentId"]
    else:
        found |= {f"children/{n}": child for n, child in enumerate(several)}
    found |= {f"tabs/{n}/child": tab["child"] for n, tab in enumerate(component.get("tabs", []))}
    if component.get("component") == "Modal":
        found |= {key: component.get(key) for key in ("trigger", "content")}
    return [(place, child) for place, child in found.items() if child is not None]


def put_child(component: Json, place: str, child: Any) -> None:
    """Name another child at a place that `children` has named."""
    target: Any = component
    *way, last = place.split("/")
    for step in way:
        target = target[int(step) if isinstance(target, list) else step]
    target[int(last) if isinstance(target, list) else last] = child


def _below_the_root(components: dict[str, Json]) -> dict[str, Json]:
    reached: set[str] = set()
    left = {_ROOT}
    while left:
        reached |= left
        left = {
            child
            for id in left
            if id in components
            for _, child in children(components[id])
            if child not in reached
        }
    # Without a root nothing is left out: the validator says so better.
    return {
        id: component
        for id, component in components.items()
        if id in reached or _ROOT not in components
    }


def _without(values: Json, key: str) -> Json:
    return {name: value for name, value in values.items() if name != key}


def _tokens(path: str) -> list[str]:
    """The names in a JSON Pointer; that of the whole model is "" or "/"."""
    names = path.removeprefix("/").split("/") if path.removeprefix("/") else []
    return [name.replace("~1", "/").replace("~0", "~") for name in names]


def _put(target: Any, tokens: list[str], value: Any) -> Any:
    """The target with a value at a place in it; what leads there is made, or refused."""
    if not tokens:
        return value
    first, rest = tokens[0], tokens[1:]
    if isinstance(target, list):
        if not first.isdecimal() or int(first) > len(target):
            raise SourceError(f"no place {first} in a list of {len(target)}")
        index = int(first)
        inner = target[index] if index < len(target) else {}
        return [*target[:index], _put(inner, rest, value), *target[index + 1 :]]
    if not isinstance(target, dict):
        raise SourceError(f"no place {first} in what is neither object nor list")
    return {**target, first: _put(target.get(first, {}), rest, value)}
