"""JSON of a request read strictly, and JSON of an answer cut, neither ever written again.

Python would round a number that the database keeps: 1.10 and 1.1, 1e400 or twenty digits. So what
goes on, in either direction, are spans of the text as it came.

Refused is what two readers of the same text could understand differently: a name twice in one
object, NaN, what is not UTF-8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any, NamedTuple, NoReturn

from functions.core.database import Verbatim
from functions.core.problems import Problem

# What is passed on to the database as text, by its name in a body.
VERBATIM = frozenset({"document"})

_skip = re.compile(r"[ \t\n\r]*").match


class Span(NamedTuple):
    """A member of an object in a text.

    Args:
        name: Its name.
        start: Where its value starts.
        end: Where it ends.
        value: The value; numbers may be rounded.
    """

    name: str
    start: int
    end: int
    value: Any


def read_object(body: bytes) -> dict[str, Any]:
    """The members of the object that a request sends; those of `VERBATIM` as their text.

    Raises:
        Problem: 400 `invalid_json`: it is no object in strict JSON; 413 `too_deep`: so deep that
            it cannot be read.
    """
    try:
        text = body.decode()
        members = {
            span.name: Verbatim(text[span.start : span.end].encode())
            if span.name in VERBATIM
            else span.value
            for span in _members(text, 0, to_the_end=True)
        }
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
            "the body is no JSON object in UTF-8 with every name once",
            "Send one: NaN, Infinity and trailing commas are no JSON.",
            **({} if at is None else {"position": at}),
        ) from None
    return members


def members(text: str, start: int = 0) -> Iterator[Span]:
    """The members of the object that starts in a text of the database."""
    return _members(text, start, to_the_end=False)


def _members(text: str, start: int, *, to_the_end: bool) -> Iterator[Span]:
    seen = set()
    at = _expect(text, _after_blanks(text, start), "{")
    more = text[at : at + 1] != "}"
    while more:
        if text[at : at + 1] != '"':
            _refuse(text, at)
        name, at = _read(text, at)
        if name in seen:
            raise ValueError
        seen.add(name)
        at = _expect(text, _after_blanks(text, at), ":")
        value, end = _read(text, at)
        yield Span(name, at, end, value)
        at = _after_blanks(text, end)
        more = text[at : at + 1] == ","
        if more:
            at = _after_blanks(text, at + 1)
    at = _expect(text, at, "}")
    if to_the_end and at != len(text):
        _refuse(text, at)


def _after_blanks(text: str, at: int) -> int:
    found = _skip(text, at)
    assert found is not None
    return found.end()


def _expect(text: str, at: int, character: str) -> int:
    """Where the text goes on after a character that has to be here, and blanks after it."""
    if text[at : at + 1] != character:
        _refuse(text, at)
    return _after_blanks(text, at + 1)


def _refuse(text: str, at: int) -> NoReturn:
    raise JSONDecodeError("", text, at)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _constant(_name: str) -> NoReturn:
    raise ValueError


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits, which JSON allows.
    return int(digits) if len(digits) < 20 else float(digits)


_read = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant
).raw_decode
