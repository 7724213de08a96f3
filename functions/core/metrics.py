"""Metrics as lines of CloudWatch's embedded metric format on stdout.

CloudWatch makes metrics of the lines by itself; printing one is all that a function has to do.
There is one line for a request, with all its metrics, and none for a request without any.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from functools import lru_cache

NAMESPACE = "Compositions"
UNITS = {
    "AuditChecked": "Count",
    "AuditMismatches": "Count",
    "BytesSaved": "Bytes",
    "CacheBypasses": "Count",
    "CacheHits": "Count",
    "CacheMisses": "Count",
    "CacheUnchanged": "Count",
    "FillRefusals": "Count",
    "InvalidationLag": "Milliseconds",
    "LoadLatency": "Milliseconds",
    "UnsettledWrites": "Count",
}
# What the format allows; CloudWatch drops a line that has more.
_MAX_VALUES = 100


class Metrics:
    """The metrics of one request.

    Args:
        function: Which of the functions: the dimension by which they are told apart.
        write: Takes a line.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        function: str,
        write: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._function = function
        self._write = write or sys.stdout.write
        self._clock = clock
        self._counts: dict[str, float] = {}
        self._values: dict[str, list[float]] = {}

    def count(self, name: str, count: float = 1) -> None:
        """Add to a metric that is a sum.

        Args:
            name: One of UNITS.
            count: How much.
        """
        self._counts[name] = self._counts.get(name, 0) + _known(name, count)

    def measure(self, name: str, value: float) -> None:
        """Add a value to a metric that has percentiles.

        Args:
            name: One of UNITS.
            value: In its unit.
        """
        known = _known(name, value)
        self._values.setdefault(name, []).append(known)

    def flush(self) -> None:
        """Print what there is, and forget it."""
        while self._counts or self._values:
            fields: dict[str, float | list[float]] = dict(self._counts)
            for name, values in self._values.items():
                part = values[:_MAX_VALUES]
                fields[name] = part if len(part) > 1 else part[0]
            start = _start(self._function, tuple(fields))
            values_text = json.dumps(fields, separators=(",", ":"))[1:]
            # One write, so that lines of several threads do not mix.
            self._write(f"{start[0]}{int(self._clock() * 1000)}{start[1]}{values_text}\n")
            self._counts = {}
            self._values = {
                name: values[_MAX_VALUES:]
                for name, values in self._values.items()
                if len(values) > _MAX_VALUES
            }


@lru_cache(maxsize=256)
def _start(function: str, names: tuple[str, ...]) -> tuple[str, str]:
    """What comes before the time, and between it and the values: the same for equal names."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Function"]],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in names],
    }
    described = json.dumps([directive], separators=(",", ":"))
    dimension = json.dumps(function)
    return '{"_aws":{"Timestamp":', f',"CloudWatchMetrics":{described}}},"Function":{dimension},'


def _known(name: str, value: float) -> float:
    if name not in UNITS:
        raise ValueError(f"{name} is not a metric of ours")
    if not math.isfinite(value):
        raise ValueError(f"{name} cannot be {value}")
    return value
