"""What requests say in headers: which answer they have, what they change, what they can read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from functions.core.database import Verbatim
from functions.core.json_text import members
from functions.core.problems import Problem

# An entity tag of ours: a version, the etag of a load, and whether the body was sent as brotli.
_TAG = re.compile(r'(?:W/)?"(\d{1,9})\.([0-9a-f]{32})(?:-br)?"')
_IF_MATCH = re.compile(r'"(\d{1,9})(?:\.[0-9a-f]{32}(?:-br)?)?"')
_MOST_CHARACTERS = 1000
_MOST_OF_AN_ORIGIN = 8000  # three texts of 200 characters, each written as an escape


def entity_tag(version: int | str, etag: str, *, brotli: bool) -> str:
    """The `ETag` of a load."""
    return f'"{version}.{etag}-br"' if brotli else f'"{version}.{etag}"'


def known_etags(if_none_match: str | None) -> list[str]:
    """The etags of loads that a client has, by its `If-None-Match`."""
    if not if_none_match or len(if_none_match) > _MOST_CHARACTERS:
        return []
    return [etag for _, etag in _TAG.findall(if_none_match)]


def base_version(if_match: str | None) -> int:
    """The version that a change starts from, by its `If-Match`.

    Raises:
        Problem: 428 `if_match_required`: it names none, or any; 422 `invalid_request`: it is no
            tag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        raise Problem(
            428,
            "if_match_required",
            "a change has to say which version it starts from",
            'Send the ETag of the load that it starts from, or its version: If-Match: "7".',
        )
    found = _IF_MATCH.fullmatch(if_match.strip())
    if found is None:
        raise invalid("header", "if-match", 'has to be one ETag of a load, or a version: "7"')
    return int(found[1])


def origin(composition_origin: str | None) -> Verbatim | None:
    """Who makes a change and how, by its `Composition-Origin`: JSON, as it was sent.

    Raises:
        Problem: 422 `invalid_request`: it is no JSON object in ASCII. What the object may hold is
            the database's to say.
    """
    if composition_origin is None:
        return None
    if composition_origin.isascii() and len(composition_origin) <= _MOST_OF_AN_ORIGIN:
        with suppress(ValueError, RecursionError):
            for _ in members(composition_origin, to_the_end=True):
                pass
            return Verbatim(composition_origin.encode())
    raise invalid("header", "composition-origin", "has to be a JSON object in ASCII")


def invalid_request(problems: Iterable[Mapping[str, Any]]) -> Problem:
    """A request that is not as it has to be: what is wrong with it, and where."""
    return Problem(
        422,
        "invalid_request",
        "the request is not as it has to be",
        "Correct each of the problems; /openapi.json has what is taken.",
        problems=list(problems),
    )


def invalid(part: str, name: str, message: str) -> Problem:
    """A request of which one thing is not as it has to be."""
    return invalid_request([{"in": part, "path": f"/{name}", "message": message}])


@lru_cache(maxsize=128)
def takes_brotli(accept_encoding: str) -> bool:
    """Whether a client rather has brotli than the plain text, by its `Accept-Encoding`."""
    wanted: dict[str, float] = {}
    for item in accept_encoding[:_MOST_CHARACTERS].lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        wanted[coding] = _quality(parameters)
    brotli = wanted.get("br", wanted.get("*", 0.0))
    return brotli > 0 and brotli >= wanted.get("identity", 0.0)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
