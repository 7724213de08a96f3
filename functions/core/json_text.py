"""JSON as text: its pieces, none of them ever written again.

Python would round a number that the database keeps: 1.10 and 1.1, 1e400 or twenty digits. So what
goes on, in either direction, are spans of the text as it came.

Refused is what two readers of the same text could understand differently: a name twice in one
object, and NaN.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any, NamedTuple, NoReturn

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


def members(text: str, start: int = 0, *, to_the_end: bool = False) -> Iterator[Span]:
    """The members of the object that starts in a text.

    Args:
        text: JSON.
        start: Where the object starts, or blanks before it.
        to_the_end: Whether nothing may follow it.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested too deeply to be read.
    """
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
        at, more = _after_item(text, end)
    at = _expect(text, at, "}")
    if to_the_end and at != len(text):
        _refuse(text, at)


def elements(text: str) -> Iterator[tuple[Any, str]]:
    """The elements of the array that a text is, each as a value and as the text it was read from.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested too deeply to be read.
    """
    at = _expect(text, _after_blanks(text, 0), "[")
    more = text[at : at + 1] != "]"
    while more:
        value, end = _read(text, at)
        yield value, text[at:end]
        at, more = _after_item(text, end)
    if _expect(text, at, "]") != len(text):
        _refuse(text, at)


def value(text: str) -> Any:
    """The value that a text is.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deeply to be read.
    """
    found, end = _read(text, _after_blanks(text, 0))
    if (at := _after_blanks(text, end)) != len(text):
        _refuse(text, at)
    return found


def _after_item(text: str, end: int) -> tuple[int, bool]:
    """Where the text goes on after an item and its comma, and whether there was one."""
    at = _after_blanks(text, end)
    if text[at : at + 1] != ",":
        return at, False
    return _after_blanks(text, at + 1), True


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


# The value that starts somewhere in a text, and where it ends.
_read = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant
).raw_decode
