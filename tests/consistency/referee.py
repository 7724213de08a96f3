"""What a read may show, given what had been answered to whom when it began.

Every fact that a load depends on (a share, a membership, the trash) is changed by one actor at a
time, so its history is a sequence. A change through the functions that was answered as settled is
in force from then on; any other one (made elsewhere, or answered as pending, or never answered)
may be seen or not until it is overdue. Times are seconds of one clock, `time.monotonic()`.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Hashable
from dataclasses import dataclass, field

OVERDUE_SECONDS = 15.0

# A composition ends a share by its own clock, in whole milliseconds.
_CLOCK_SECONDS = 0.02


@dataclass(frozen=True)
class Calm:
    """When the last fault ended: infinity while there are any."""

    since: float = math.inf

    def overdue(self, ended: float) -> float:
        """From when on a change that ended then, and was not settled, must be seen."""
        return max(ended, self.since) + OVERDUE_SECONDS


@dataclass
class Change:
    """One change of a fact.

    Args:
        values: What it may hold afterwards: several while nobody knows.
        started: When it was sent.
        ended: When it was answered; infinity while it is under way.
        settled: Whether it was answered as in force everywhere.
        until: When it ends by itself, leaving None.
    """

    values: frozenset[Hashable]
    started: float
    ended: float = math.inf
    settled: bool = False
    until: float = math.inf

    def seen(self, started: float, ended: float) -> set[Hashable]:
        """Its values for a read between these times."""
        seen: set[Hashable] = set()
        if started < self.until + _CLOCK_SECONDS:
            seen |= self.values
        if ended > self.until - _CLOCK_SECONDS:
            seen.add(None)
        return seen


class Fact:
    """Something that one actor at a time changes."""

    def __init__(self, value: Hashable) -> None:
        self.busy = False  # somebody is changing it
        self._changes = [Change(frozenset([value]), -math.inf, -math.inf, settled=True)]

    @property
    def values(self) -> frozenset[Hashable]:
        """What it holds by the last change, as far as its actor knows."""
        return self._changes[-1].values

    def begin(self, value: Hashable, started: float, until: float = math.inf) -> Change:
        """Note that a change was sent. Its outcome is written into what this returns."""
        change = Change(frozenset([value]), started, until=until)
        self._changes.append(change)
        return change

    def forget(self, change: Change) -> None:
        """Note that it was refused: nothing has changed."""
        self._changes.remove(change)

    def possible(self, started: float, ended: float, calm: Calm) -> set[Hashable]:
        """All that a read between these times may rest on."""
        values: set[Hashable] = set()
        for change in reversed(self._changes):
            if change.started > ended:
                continue
            values |= change.seen(started, ended)
            in_force = change.ended if change.settled else calm.overdue(change.ended)
            if in_force <= started:
                break
        return values


@dataclass
class Floor:
    """The newest state of a composition that reads must show.

    Every write moves its `updated_at`, under a lock of its row: the later, the newer.
    """

    _ended: list[float] = field(default_factory=list)
    _newest: list[str] = field(default_factory=list)
    _pending: list[tuple[float, str]] = field(default_factory=list)

    def note(self, updated_at: str, ended: float, settled: bool) -> None:
        """Note a write that was answered, in the order of the answers."""
        if settled:
            self._ended.append(ended)
            self._newest.append(max(updated_at, self._newest[-1] if self._newest else ""))
        else:
            self._pending.append((ended, updated_at))

    def required(self, started: float, calm: Calm) -> str:
        """The least `updated_at` that a read may show which began then."""
        answered = bisect.bisect_right(self._ended, started)
        settled = self._newest[answered - 1 : answered]
        overdue = (at for ended, at in self._pending if calm.overdue(ended) <= started)
        return max(itertools.chain(settled, overdue), default="")
