"""Ways to do the same thing, timed side by side.

The sides take turns, round by round, so whatever else the machine does hits them alike. Absolute
times are this machine's; what carries over is the ratio within a round.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from demo.report import percentile


@dataclass(frozen=True)
class Side:
    """One way to do it.

    Args:
        label: For people.
        run: Does it, with so many calls.
        calls: How many.
        clock: Seconds, of whatever is to be measured.
        prepare: What comes before each run, and is not measured.
    """

    label: str
    run: Callable[[], object]
    calls: int = 1
    clock: Callable[[], float] = time.perf_counter
    prepare: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Ratio:
    """Over all rounds: the median, and how far it ranged."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{short(self.median)} ({short(self.least)} to {short(self.most)})"


@dataclass(frozen=True)
class Timing:
    """Milliseconds a call, by round."""

    label: str
    rounds: list[list[float]]

    def percentile(self, percent: int) -> float:
        """Of all rounds together."""
        return percentile([value for values in self.rounds for value in values], percent / 100)

    def against(self, other: "Timing") -> Ratio:
        """How many times as long as the other side it took."""
        return ratio([median(r) for r in self.rounds], [median(r) for r in other.rounds])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Ours in theirs, round by round."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))


def short(value: float) -> str:
    """Three digits: more would be noise."""
    return f"{value:.3g}" if abs(value) < 999 else f"{value:.0f}"


def race(sides: Sequence[Side], rounds: int, runs: int) -> list[Timing]:
    """Time every side, `runs` times in each round.

    Returns:
        Timings in the order of the sides.
    """
    timings = [Timing(side.label, []) for side in sides]
    # The first round fills caches and plans, Postgres settles on a plan after five calls.
    for nth in range(rounds + 1):
        for side, timing in zip(sides, timings, strict=True):
            timing.rounds.append([_milliseconds(side) for _ in range(max(runs, 2))])
            if nth == 0:
                timing.rounds.clear()
    return timings


def calls_a_second(runs: Sequence[Callable[[], object]], seconds: float) -> float:
    """How many calls are answered when every one of `runs` is called over and over, in a thread."""
    started = time.perf_counter()

    def repeat(run: Callable[[], object]) -> int:
        answered = 0
        while time.perf_counter() < started + seconds:
            run()
            answered += 1
        return answered

    with ThreadPoolExecutor(len(runs)) as pool:
        answered = sum(pool.map(repeat, runs))
    return answered / (time.perf_counter() - started)


def private_memory(pid: int) -> int:
    """Bytes of memory that a process holds for itself."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^RssAnon:\s*(\d+) kB", status, re.MULTILINE)[0]) * 1024


def cpu_seconds(pids: Iterable[int]) -> float:
    """How long processes ran, by all their threads, in themselves and in the kernel."""
    files = (file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for file in threads for child in file.read_text().split()]
    return [pid, *(one for child in children for one in family(child))]


def _milliseconds(side: Side) -> float:
    side.prepare()
    started = side.clock()
    side.run()
    return (side.clock() - started) * 1000 / side.calls
