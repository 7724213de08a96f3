"""What a handler needs to know of the runtime that calls it."""

from __future__ import annotations

from typing import Protocol

_MARGIN_SECONDS = 1.0  # to say what was done


class Context(Protocol):
    """The context of a call."""

    def get_remaining_time_in_millis(self) -> int:
        """Time until the runtime ends the process."""


def seconds_to_work(context: Context) -> float:
    """How long a call may take, so that it is not ended before it has answered."""
    return max(0.0, context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS)
