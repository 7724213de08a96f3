"""Layers for tests: short calls, and what a load has to show of them, computed once more."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from tests.people import Json, Person


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
