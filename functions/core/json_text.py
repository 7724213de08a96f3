"""Pieces of a JSON text as they stand there: parsed and written again, they may be others."""

from __future__ import annotations

import json
from typing import Any

_DECODER = json.JSONDecoder()
_SPACES = " \t\r\n"


def elements(text: bytes) -> list[tuple[Any, bytes]]:
    """The elements of an array, each as a value and as the text it was read from.

    Args:
        text: JSON, UTF-8.

    Raises:
        ValueError: It is no array.
    """
    array = text.decode()
    start = _skip(array, 0)
    if array[start : start + 1] != "[":
        raise ValueError("no array")
    found: list[tuple[Any, bytes]] = []
    at = _skip(array, start + 1)
    while array[at : at + 1] != "]":
        if found:
            if array[at : at + 1] != ",":
                raise ValueError("no array")
            at = _skip(array, at + 1)
        value, end = _DECODER.raw_decode(array, at)
        found.append((value, array[at:end].encode()))
        at = _skip(array, end)
    if _skip(array, at + 1) != len(array):
        raise ValueError("more than an array")
    return found


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _SPACES:
        at += 1
    return at
