"""Signals that ask a command to end: harmless at any moment, and however often they come."""

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def note(stopping: threading.Event) -> None:
    """From here on, a signal sets `stopping` and does nothing else."""
    _handle(lambda *_: stopping.set())


def exit_once() -> None:
    """From here on, the first signal raises SystemExit (128 + its number), others do nothing.

    So what unwinds on the way out, such as a stack that stops, is not interrupted again.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        ignore()
        sys.exit(128 + number)

    _handle(leave)


def ignore() -> None:
    """From here on, signals do nothing: all is stopped, one could only spoil the exit code."""
    _handle(signal.SIG_IGN)


def _handle(handler: Handler) -> None:
    for number in _SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, handler)
