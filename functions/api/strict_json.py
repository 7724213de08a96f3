"""Bodies of requests: JSON objects in UTF-8, read strictly."""

from __future__ import annotations

from collections.abc import Callable
from json import JSONDecodeError
from typing import Any, TypeVar

from functions.core.database import Verbatim
from functions.core.json_text import members, value
from functions.core.problems import Problem

# What is passed on to the database as text, by its name in a body.
VERBATIM = frozenset({"document", "parameter"})

T = TypeVar("T")


def read_object(body: bytes) -> dict[str, Any]:
    """The members of the object that a request sends; those of `VERBATIM` as their text.

    Raises:
        Problem: 400 `invalid_json`: it is no object in strict JSON; 413 `too_deep`: so deep that
            it cannot be read.
    """

    def found(text: str) -> dict[str, Any]:
        return {
            span.name: Verbatim(text[span.start : span.end].encode())
            if span.name in VERBATIM
            else span.value
            for span in members(text, to_the_end=True)
        }

    return _strictly(body, found, "JSON object")


def read_any(body: bytes) -> Verbatim:
    """What a request sends, whatever JSON it is, as its text.

    Raises:
        Problem: As read_object().
    """
    _strictly(body, value, "JSON")
    return Verbatim(body)


def _strictly(body: bytes, read: Callable[[str], T], what: str) -> T:
    try:
        return read(body.decode())
    except RecursionError:
        raise Problem(
            413,
            "too_deep",
            "the body is nested too deeply to be read",
            "Nest it less deeply: a document may have 64 levels.",
        ) from None
    except ValueError as error:
        # Its own words quote the body.
        at = error.pos if isinstance(error, JSONDecodeError) else None
        raise Problem(
            400,
            "invalid_json",
            f"the body is no {what} in UTF-8 with every name once",
            "Send one: NaN, Infinity and trailing commas are no JSON.",
            **({} if at is None else {"position": at}),
        ) from None
