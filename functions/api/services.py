"""What all requests of a process share."""

from __future__ import annotations

from functions.core.parts import Parts
from functions.core.tokens import Tokens


class Services:
    """The parts that requests use.

    Args:
        parts: Of this process, or of a test.
    """

    def __init__(self, parts: Parts) -> None:
        self.settings = parts.settings
        self.database = parts.database
        self.cache = parts.cache
        self.tokens = Tokens(parts.settings, parts.http)
