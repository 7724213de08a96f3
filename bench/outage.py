"""What a load costs while Redis is gone or hangs, and how soon it is a hit again."""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.cache import postgrest_url
from bench.clients import Client, token
from bench.measure import short
from bench.plots import distributions, lines
from bench.report import Figure, verdict
from bench.world import Bench, World, sample
from demo.report import percentile
from devstack.stack import Stack

_SIZE = 10_000
_LEAST_LOADS = 200
_LOADS_A_ROUND = 20
# Back to back, fewer probes of the breaker would fall into as many loads.
_PAUSE_SECONDS = 0.02
_TARGET_P95_MS = 300
_PATIENCE_SECONDS = 60
_DRAWN = 60  # the first loads of an outage


@dataclass(frozen=True)
class Phase:
    """What loads took while something was so.

    Args:
        label: For people.
        times: Milliseconds, in turn.
        loads_to_hit: How many loads it took after it until one was a hit, which counts; None: it
            was no outage.
        seconds_to_hit: How long that took.
    """

    label: str
    times: Sequence[float]
    loads_to_hit: int | None = None
    seconds_to_hit: float = 0


class WrongLoadError(Exception):
    """Something else was answered, or from elsewhere than it should be."""


class Loads:
    """Somebody who loads a composition through the function, again and again.

    Args:
        function: Their client.
        path: Of the composition.
    """

    def __init__(self, function: Client, path: str) -> None:
        self._function = function
        self._path = path
        self._etag = ""

    def load(self, *sources: str) -> str:
        """Load.

        Args:
            sources: Where it may be answered from.

        Returns:
            Where it was answered from.

        Raises:
            WrongLoadError: It was answered from elsewhere, or is not what it was before.
        """
        headers, _ = self._function.send("GET", self._path)
        if headers["x-cache"] not in sources or headers["etag"] != (self._etag or headers["etag"]):
            raise WrongLoadError(f"wanted one of {sources}, got {headers.items()}")
        self._etag = headers["etag"]
        return headers["x-cache"]

    def until_hit(self) -> tuple[int, float]:
        """Load until it is a hit.

        Returns:
            How many loads that took, and how many seconds.
        """
        started, loads = time.perf_counter(), 1
        while self.load("hit", "miss", "bypass") != "hit":
            if time.perf_counter() - started > _PATIENCE_SECONDS:
                raise WrongLoadError("there was no hit again")
            time.sleep(_PAUSE_SECONDS)
            loads += 1
        return loads, time.perf_counter() - started


def outage(bench: Bench) -> Figure:
    """Loads through the function URL with Redis, without it, and with one that hangs."""
    count = max(_LEAST_LOADS, bench.sizes.rounds * _LOADS_A_ROUND)
    with (
        Stack(without=["scheduler", "webhooks"]) as stack,
        contextlib.closing(World(stack.addresses["database_url"])) as world,
    ):
        phases = _phases(stack, world, count)

    rows = [_row(phase) for phase in phases]
    what = (
        f"{_SIZE:,} bytes for one client, {count} loads each, {_PAUSE_SECONDS * 1000:g} ms apart,"
        " from the first one of the outage on. Wrong answers: none."
    )
    columns = ["", "p50 ms", "p95 ms", "worst ms", "loads to a hit", "seconds", "target"]
    return Figure(what, columns, rows, pictures=_pictures(phases))


def _phases(stack: Stack, world: World, count: int) -> list[Phase]:
    person = world.person()
    piece = person.create(sample(_SIZE))
    signed = {
        "Authorization": f"Bearer {token(stack.addresses['jwt_secret'], person.id)}",
        "Accept-Encoding": "br",
        "Content-Type": "application/json",
    }
    loads = Loads(Client(stack.addresses["functions_url"], signed), f"/v1/compositions/{piece}")
    postgrest = Client(postgrest_url(stack.pid("postgrest")), signed)
    rpc = json.dumps({"composition_id": piece}).encode()

    def ask() -> object:
        return postgrest.send("POST", "/rpc/load_composition", rpc)

    ask()
    loads.until_hit()
    phases = [
        Phase("load_composition, PostgREST alone", _times(ask, count)),
        Phase("function, with Redis: hits", _times(lambda: loads.load("hit"), count)),
    ]
    for label, broken in (
        ("function, Redis killed", stack.killed("valkey")),
        ("function, Redis hangs", stack.hanging("valkey")),
        ("function, its REST API killed", stack.killed("bridge")),
        ("function, its REST API hangs", stack.hanging("bridge")),
    ):
        with broken:
            times = _times(lambda: loads.load("bypass"), count)
        phases.append(Phase(label, times, *loads.until_hit()))
    return phases


def _times(call: Callable[[], object], count: int) -> list[float]:
    """Milliseconds of so many calls, with pauses between them."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(_PAUSE_SECONDS)
    return times


def _row(phase: Phase) -> list[str]:
    p50, p95 = (percentile(phase.times, share) for share in (0.5, 0.95))
    row = [phase.label, short(p50), short(p95), short(max(phase.times))]
    if phase.loads_to_hit is None:
        return [*row, "", "", ""]
    target = verdict(p95, _TARGET_P95_MS, " ms p95")
    return [*row, str(phase.loads_to_hit), short(phase.seconds_to_hit), target]


def _pictures(phases: Sequence[Phase]) -> list[str]:
    outages = [phase for phase in phases if phase.loads_to_hit is not None]
    return [
        distributions("How long a load takes", "ms", {p.label: p.times for p in phases}),
        lines(
            "The first loads of an outage",
            "ms",
            {phase.label: phase.times[:_DRAWN] for phase in outages},
            "loads, one after another",
        ),
    ]
