"""Parts of a loaded composition, for those who cannot take in all of it.

Every part is the text of the whole, so no number in it is another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from functions.core.database import Verbatim, encode
from functions.core.json_text import Span, members


def outline(text: str) -> bytes:
    """The tree of a composition: what there is, and where, without what it says.

    Args:
        text: The answer of `load_composition`.

    Returns:
        The same answer, with `outline` for `document`: `{format, dialect, root, components: {id:
        {component, children?}}, sources, parameters}`; in the dialect `json`, the names and kinds
        of what is in the body for `root` and `components`.
    """
    summary, document = _apart(text)
    parts = {span.name: span.value for span in document}
    tree: dict[str, Any] = {"format": parts["format"], "dialect": parts["dialect"]}
    if "components" in parts:
        tree["root"] = parts["root"]
        tree["components"] = {id: _node(part) for id, part in parts["components"].items()}
    else:
        tree["body"] = {name: _kind(value) for name, value in parts["body"].items()}
    for named in ("sources", "parameters"):
        tree[named] = list(parts.get(named, {}))
    return encode({**summary, "outline": tree})


def some(text: str, names: Iterable[str]) -> bytes:
    """Some components of a composition, whole.

    Args:
        text: The answer of `load_composition`.
        names: Their ids; in the dialect `json`, the names of what is in the body.

    Returns:
        The same answer, with `components` for `document`, and `missing`: the names of which there
        is nothing.
    """
    summary, document = _apart(text)
    (parts,) = (span for span in document if span.name in {"components", "body"})
    there = {span.name: _text_of(text, span) for span in members(text, parts.start)}
    wanted = list(dict.fromkeys(names))
    found = Verbatim(encode({name: there[name] for name in wanted if name in there}))
    missing = [name for name in wanted if name not in there]
    return encode({**summary, "components": found, "missing": missing})


def _apart(text: str) -> tuple[dict[str, Verbatim], list[Span]]:
    """What a load says of a composition, and the members of its document."""
    spans = {span.name: span for span in members(text)}
    document = spans.pop("document")
    return {name: _text_of(text, span) for name, span in spans.items()}, list(
        members(text, document.start)
    )


def _text_of(text: str, span: Span) -> Verbatim:
    return Verbatim(text[span.start : span.end].encode())


def _node(component: dict[str, Any]) -> dict[str, Any]:
    children = child_ids(component)
    return {"component": component["component"]} | ({"children": children} if children else {})


def child_ids(component: dict[str, Any]) -> list[str]:
    """The ids that a valid component names as its children, as private.child_references() does."""
    children, tabs = component.get("children"), component.get("tabs")
    named: list[Any] = [component.get("child")]
    if component["component"] == "Modal":
        named += [component.get("trigger"), component.get("content")]
    if isinstance(children, list):
        named += children
    elif isinstance(children, dict) and isinstance(children.get("path"), str):
        named.append(children.get("componentId"))
    if isinstance(tabs, list):
        named += [tab.get("child") for tab in tabs if isinstance(tab, dict)]
    return [id for id in named if isinstance(id, str)]


def _kind(value: Any) -> dict[str, Any]:
    """What a value of a body is, and how many it holds."""
    match value:
        case list() | dict():
            return {"type": "array" if isinstance(value, list) else "object", "count": len(value)}
        case bool():
            return {"type": "boolean"}
        case str():
            return {"type": "string"}
        case None:
            return {"type": "null"}
    return {"type": "number"}
