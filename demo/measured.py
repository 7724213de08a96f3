"""What the functions measured, read back from what they printed.

Lines of the embedded metric format (functions/core/metrics.py) are found wherever they stand: bare
in the log of the local stack, behind a time where CloudWatch tails or archives them, quoted in the
JSON and CSV that it exports. All else in a log is passed over.
"""

import contextlib
import gzip
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from functions.core.metrics import NAMESPACE, UNITS

# What the line of a load counts says what answered it.
KINDS = {
    "hit": "CacheHits",
    "unchanged": "CacheUnchanged",
    "miss": "CacheMisses",
    "bypass": "CacheBypasses",
}
_KIND_OF = {metric: kind for kind, metric in KINDS.items()}

# A document as it stands in a line: bare, as the text of a JSON string, in a cell of CSV.
_BARE = re.compile(r'\{"_aws".*')
_IN_JSON = re.compile(r'\{\\"_aws\\"(?:[^"\\]|\\.)*')
_IN_CSV = re.compile(r'\{""_aws""(?:[^"]|"")*')
_DECODER = json.JSONDecoder()

_MOST = 1e14
_MOST_BINS = 48
_STEPS = [
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 14400, 21600, 43200, 86400),
]


class Point(NamedTuple):
    """One value.

    Args:
        at: Seconds since 1970.
        value: In the unit of its metric.
        group: What answered the load, if its line is of one; otherwise the name of the function.
    """

    at: float
    value: float
    group: str


@dataclass
class Measured:
    """Every value of a log, by metric, in the order of time."""

    points: dict[str, list[Point]] = field(default_factory=lambda: defaultdict(list))

    def values(self, metric: str, group: str | None = None) -> list[float]:
        """The values of a metric; of one group, if that is named."""
        return [p.value for p in self.points.get(metric, []) if group in (None, p.group)]

    def total(self, metric: str, group: str | None = None) -> float:
        """The sum of them."""
        return math.fsum(self.values(metric, group))

    @property
    def loads(self) -> dict[str, int]:
        """How many loads each kind of answer had."""
        return {kind: round(self.total(metric)) for kind, metric in KINDS.items()}

    @property
    def span(self) -> tuple[float, float]:
        """From when to when something was measured; there must be something."""
        ends = [(points[0].at, points[-1].at) for points in self.points.values()]
        return min(first for first, _ in ends), max(last for _, last in ends)


@dataclass
class Bin:
    """What was measured within a step of time.

    Args:
        start: Of the step, in seconds since 1970.
        loads: How many, by kind of answer.
        latencies: Of loads, in milliseconds.
        lags: In milliseconds, by function.
        sums: Of every other metric.
    """

    start: float
    loads: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    lags: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sums: Counter[str] = field(default_factory=Counter)

    @property
    def hit_rate(self) -> float | None:
        """Of 1; None: nothing was loaded."""
        return hit_rate(self.loads)

    @property
    def is_bypassed(self) -> bool:
        """Whether most loads went past the cache; one or two may just have met a write."""
        return self.loads.total() > 2 and self.loads["bypass"] * 2 > self.loads.total()


def hit_rate(loads: Mapping[str, int]) -> float | None:
    """How many of the loads, given by kind, the cache answered, of 1; None: there were none."""
    total = sum(loads.values())
    return (loads.get("hit", 0) + loads.get("unchanged", 0)) / total if total else None


def read_logs(files: Iterable[Path]) -> Measured:
    """Read what was measured from logs; what has been packed with gzip is unpacked.

    Raises:
        OSError: One cannot be read.
    """
    measured = Measured()
    for file in files:
        with file.open("rb") as opened:
            is_packed = opened.read(2) == b"\x1f\x8b"
        # A log may be cut off anywhere, even within a character.
        if is_packed:
            with gzip.open(file, "rt", encoding="utf-8", errors="replace") as text:
                _add(measured, text)
        else:
            with file.open(encoding="utf-8", errors="replace") as text:
                _add(measured, text)
    for points in measured.points.values():
        points.sort()
    return measured


def steps_of(measured: Measured) -> tuple[float, list[Bin]]:
    """What was measured, step by step, from the first step with something to the last.

    Returns:
        The length of a step in seconds, and the steps. None is left out.
    """
    start, end = measured.span
    step = step_of((end - start) / _MOST_BINS)
    if step >= 60:
        start -= start % step
    bins = [Bin(start + step * nth) for nth in range(int((end - start) / step) + 1)]
    for metric, points in measured.points.items():
        for at, value, group in points:
            its = bins[min(int((at - start) / step), len(bins) - 1)]
            if metric == "LoadLatency":
                its.latencies.append(value)
            elif metric == "InvalidationLag":
                its.lags[group].append(value)
            elif metric in _KIND_OF:
                its.loads[_KIND_OF[metric]] += round(value)
            else:
                its.sums[metric] += round(value)
    return step, bins


def step_of(least: float) -> float:
    """A number of seconds that people count in, no shorter than the least one."""
    for step in _STEPS:
        if step >= least:
            return step
    return math.ceil(least / _STEPS[-1]) * _STEPS[-1]


def _add(measured: Measured, text: Iterable[str]) -> None:
    for line in text:
        for found in _texts(line):
            try:
                document, _ = _DECODER.raw_decode(found)
            except (ValueError, RecursionError):
                continue  # cut off
            _add_document(measured, document)


def _texts(line: str) -> Iterator[str]:
    yield from _BARE.findall(line)
    for quoted in _IN_JSON.findall(line):
        with contextlib.suppress(ValueError):
            yield json.loads(f'"{quoted}"', strict=False)
    for quoted in _IN_CSV.findall(line):
        yield quoted.replace('""', '"')


def _add_document(measured: Measured, document: Any) -> None:
    match document:
        case {
            "_aws": {
                "Timestamp": int(at),
                "CloudWatchMetrics": [{"Namespace": namespace}],
            }
        } if namespace == NAMESPACE and _is_amount(at):
            pass
        case _:
            return
    kinds = [kind for kind, metric in KINDS.items() if metric in document]
    group = kinds[0] if kinds else str(document.get("Function", ""))
    for metric in UNITS.keys() & document.keys():
        found = document[metric]
        for value in found if isinstance(found, list) else [found]:
            if _is_amount(value):
                measured.points[metric].append(Point(at / 1000, float(value), group))


def _is_amount(value: Any) -> bool:
    """Whether it is a number that can be a time or an amount of something."""
    return type(value) in (int, float) and 0 <= value < _MOST
