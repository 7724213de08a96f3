"""The one event loop of a handler's process: what is connected on it survives from call to call."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end what one call of a handler has to do."""
    return event_loop().run_until_complete(work)


def event_loop() -> asyncio.AbstractEventLoop:
    """The loop, which Mangum finds, too: it asks for that of its thread."""
    loop = _loop()
    # Each time: whoever runs another one in between leaves the thread with none.
    asyncio.set_event_loop(loop)
    return loop


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()
