"""Documents for tests: the first versions of the samples, and the smallest valid one."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import psycopg

from demo.samples import FOLDER

SMALLEST: dict[str, Any] = {"format": "composition/1", "dialect": "json", "body": {}}

# What is short to send and would be long to look at.
NUMBER_BOMB = "[" + ",".join(["1e131071"] * 8000) + "]"
ZERO_BOMB = "[" + ",".join(["0e-16383"] * 20_000) + "]"
DEPTH_BOMB = "[" * 10_000 + "]" * 10_000


@cache
def _text(name: str) -> str:
    return json.dumps(json.loads((FOLDER / f"{name}.json").read_text())["document"])


def exact(value: Any) -> Any:
    """A value that equals another one only if both are the same JSON: 1, 1.0 and true differ.

    Python's own comparison, and so jsonpatch's, takes them for the same.
    """
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value).__name__, str(value)


def sample(name: str = "video-library") -> dict[str, Any]:
    """A fresh copy of the first version of a sample."""
    document: dict[str, Any] = json.loads(_text(name))
    return document


def small(**body: Any) -> dict[str, Any]:
    """The smallest valid document around a body."""
    return SMALLEST | {"body": body}


def contents(admin: psycopg.Connection, marker: str) -> int:
    """How many documents of the content store carry a marker: `small(marker=…)`."""
    row = admin.execute(
        "select count(*) from public.compositions where document @> %s::jsonb",
        (json.dumps({"body": {"marker": marker}}),),
    ).fetchone()
    assert row is not None
    return int(row[0])
