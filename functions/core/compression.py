"""Bodies of loads as the cache keeps them: one text is the same bytes, whoever puts it there."""

from __future__ import annotations

import brotli

_QUALITY = 5


def compress(text: bytes) -> bytes:
    """A JSON text as brotli."""
    compressed: bytes = brotli.compress(text, mode=brotli.MODE_TEXT, quality=_QUALITY)
    return compressed


def decompress(compressed: bytes) -> bytes:
    """The text of `compress`."""
    text: bytes = brotli.decompress(compressed)
    return text
