"""What a load through the cached function costs, against what people would do instead."""

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import UUID

from bench.clients import Client, NotAnsweredError, token
from bench.measure import Side, Timing, cpu_seconds, family, race, ratio, short
from bench.plots import distributions, stacked_bars
from bench.report import Figure, verdict
from bench.rest import PLAIN_TABLE
from bench.world import Bench, World, sample
from devstack import front
from devstack.stack import Stack
from devstack.workers import Function
from functions.core.keys import composition_key

_SIZE = 10_000
_RUNS = 20
_CALLS = 100
_TARGET_P95_MS = 10
_TARGET_TO_EVALSHA = 3
_TARGET_RATE = 2
_TARGET_304 = 0.5
_RAW_LABEL = "EVALSHA of the body, bridge alone"
_SELECT_LABEL = "select of the row, PostgREST alone"
_HIT_LABEL = "function: hit"
_CONTEXT_LABEL = "function: hit of a context"
_304_LABEL = "function: not modified"
_BARE_LABEL = "function: nothing but an answer"
_CONTEXT = "/v1/contexts/home"
_RAW = "return redis.call('GET', KEYS[1])"


@dataclass(frozen=True)
class Way:
    """A way to load.

    Args:
        label: For people.
        call: Does it.
        prepare: What has to be done before each call, not measured.
    """

    label: str
    call: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


class Parts:
    """A stack with the functions, somebody signed in, and a composition of theirs.

    Args:
        stack: It.
        world: Its database.
        urls: Of the API without a Redis (`bypass`), and of a function that does nothing (`bare`).
    """

    def __init__(self, stack: Stack, world: World, urls: Mapping[str, str]) -> None:
        addresses = stack.addresses
        self.database = world.database
        self.person = world.person()
        self.document = sample(_SIZE)
        self.piece = self.person.create(self.document)
        signed = {
            "Authorization": f"Bearer {token(addresses['jwt_secret'], self.person.id)}",
            "Content-Type": "application/json",
        }
        browser = signed | {"Accept-Encoding": "gzip, br"}
        self.function = Client(addresses["functions_url"], browser)
        self.bypass = Client(urls["bypass"], browser)
        self.bare = Client(urls["bare"], browser)
        self.postgrest = Client(postgrest_url(addresses["pids"]["postgrest"]), signed)
        self.gateway = Client(addresses["supabase_url"], signed | {"apikey": addresses["anon_key"]})
        bearer = {"Authorization": f"Bearer {addresses['redis_rest_token']}"}
        self.redis = Client(
            addresses["redis_rest_url"], bearer | {"Upstash-Response-Format": "resp2"}
        )

    def load(self, client: Client, source: str, path: str | None = None) -> tuple[str, bytes]:
        """Load through the function; the composition, if no other path is named.

        Returns:
            The ETag and the body, as brotli.
        """
        headers, body = client.send("GET", path or f"/v1/compositions/{self.piece}")
        if headers["x-cache"] != source or headers["content-encoding"] != "br":
            raise NotAnsweredError(f"wanted a {source}, got {headers.items()}")
        return headers["etag"], body

    def command(self, *command: str) -> bytes:
        """Run a command of Redis.

        Returns:
            The answer as RESP.
        """
        return self.redis.send("POST", "/", json.dumps(command).encode())[1]

    def forget(self) -> None:
        """Drop the composition from the cache."""
        self.command("UNLINK", composition_key("p1", UUID(self.piece)))


def cache(bench: Bench) -> Figure:
    """A load in every way there is, one client at a time."""
    with _parts() as (parts, groups_now):
        ways = _ways(parts)
        sides = [Side(way.label, way.call, prepare=way.prepare) for way in ways]
        timings = race(sides, bench.sizes.rounds, runs=_RUNS)
        # By now all workers are there.
        groups = groups_now()
        spent = [_spent(way, bench.sizes.rounds, groups) for way in ways]
    return _figure(timings, spent)


def _ways(parts: Parts) -> list[Way]:
    piece = parts.piece
    row = f"/bench_documents?id=eq.{piece}"
    rpc = json.dumps({"composition_id": piece}).encode()
    parts.database.execute(PLAIN_TABLE.encode(), prepare=False)
    parts.database.execute(
        "insert into public.bench_documents values (%s, %s, %s::jsonb)",
        [piece, parts.person.id, parts.document],
    )
    # PostgREST learns of the new table a moment after it was made.
    _wait(lambda: parts.postgrest.send("GET", row))

    pin = json.dumps({"composition_id": piece}).encode()
    parts.function.send("PUT", "/v1/pins/home", pin)
    for _ in range(2):  # the choice, then its answer
        parts.load(parts.function, "miss", _CONTEXT)
    parts.load(parts.function, "miss")
    etag, body = parts.load(parts.function, "hit")
    parts.redis.send("POST", "/set/bench", body)
    sha1 = parts.command("SCRIPT", "LOAD", _RAW).split()[1].decode()

    def evalsha() -> None:
        if body not in parts.redis.send("POST", f"/evalsha/{sha1}/1/bench")[1]:
            raise NotAnsweredError("the bridge sent something else")

    def not_modified() -> None:
        path = f"/v1/compositions/{piece}"
        parts.function.send("GET", path, expect=304, if_none_match=etag)

    return [
        Way(_RAW_LABEL, evalsha),
        Way(_SELECT_LABEL, lambda: parts.postgrest.send("GET", row)),
        Way("the same by the gateway", lambda: parts.gateway.send("GET", f"/rest/v1{row}")),
        Way(
            "load_composition, PostgREST alone",
            lambda: parts.postgrest.send("POST", "/rpc/load_composition", rpc),
        ),
        Way(_HIT_LABEL, lambda: parts.load(parts.function, "hit")),
        Way(
            _CONTEXT_LABEL,
            lambda: parts.load(parts.function, "hit", _CONTEXT),
            # The misses of the round before have dropped it.
            lambda: parts.function.send("GET", _CONTEXT),
        ),
        Way(_304_LABEL, not_modified),
        Way(_BARE_LABEL, lambda: parts.bare.send("GET", "/")),
        Way("function: miss", lambda: parts.load(parts.function, "miss"), parts.forget),
        Way("function: bypass, no Redis", lambda: parts.load(parts.bypass, "bypass")),
    ]


def _spent(way: Way, rounds: int, groups: Mapping[str, list[int]]) -> dict[str, list[float]]:
    """Milliseconds of CPU a call, by group of processes and round."""
    spent: dict[str, list[float]] = {group: [] for group in groups}
    for _ in range(rounds):
        prepared = _used(way.prepare, groups)
        way.prepare()

        def both() -> None:
            way.prepare()
            way.call()

        used = _used(both, groups)
        for group in groups:
            # Never nothing, which a clock that has stood still would say: others divide by it.
            milliseconds = 1000 * (used[group] - prepared[group]) / _CALLS
            spent[group].append(max(0.001, milliseconds))
    return spent


def _used(call: Callable[[], object], groups: Mapping[str, list[int]]) -> dict[str, float]:
    """Seconds of CPU that calls take, by group of processes."""
    before = {group: cpu_seconds(pids) for group, pids in groups.items()}
    for _ in range(_CALLS):
        call()
    time.sleep(0.02)  # what is done after an answer
    return {group: cpu_seconds(pids) - before[group] for group, pids in groups.items()}


def _figure(timings: list[Timing], spent: list[dict[str, list[float]]]) -> Figure:
    by_label = {timing.label: timing for timing in timings}
    used = dict(zip(by_label, spent, strict=True))
    raw, select = by_label[_RAW_LABEL], by_label[_SELECT_LABEL]
    groups = list(spent[0])
    rows = [
        [
            label,
            *(short(timing.percentile(percent)) for percent in (50, 95)),
            *(short(timing.against(other).median) for other in (raw, select)),
            *(short(median(used[label][group])) for group in groups),
            short(1000 / median(used[label][_paid_for(label)])),
        ]
        for label, timing in by_label.items()
    ]
    rows += [_added(label, by_label, used) for label in (_HIT_LABEL, _304_LABEL)]
    pictures = [
        distributions(
            "How long a load takes",
            "ms",
            {
                label: [value for values in timing.rounds for value in values]
                for label, timing in by_label.items()
            },
        ),
        stacked_bars(
            "Processor time of a load",
            "ms",
            {
                group: {label: median(some[group]) for label, some in used.items()}
                for group in groups
            },
        ),
    ]
    size = len(sample(_SIZE).encode())
    what = f"{size:,} bytes for one client; ms of CPU by whose it is; loads a second of that."
    columns = ["", "p50 ms", "p95 ms", "/EVALSHA", "/select", *groups, "a second"]
    return Figure(what, columns, rows, _findings(by_label, used), pictures)


def _added(
    label: str, by_label: Mapping[str, Timing], used: Mapping[str, Mapping[str, list[float]]]
) -> list[str]:
    """The row of what is left of a way without what every function pays for being one.

    That is the front, which stands for AWS, and AWS's own runtime client.
    """
    time_added = _beyond(_round_medians(by_label[label]), _round_medians(by_label[_BARE_LABEL]))
    added = {
        group: median(_beyond(spent, used[_BARE_LABEL][group]))
        for group, spent in used[label].items()
    }
    return [
        f"{label}, beyond nothing",
        short(median(time_added)),
        "",
        *(
            short(ratio(time_added, _round_medians(by_label[other])).median)
            for other in (_RAW_LABEL, _SELECT_LABEL)
        ),
        *map(short, added.values()),
        "",
    ]


def _findings(
    by_label: Mapping[str, Timing], used: Mapping[str, Mapping[str, list[float]]]
) -> list[str]:
    """What was to be reached, what of it is the platform's, and what is spared the database."""
    hit, known, bare = by_label[_HIT_LABEL], by_label[_304_LABEL], by_label[_BARE_LABEL]
    raw, select = by_label[_RAW_LABEL], by_label[_SELECT_LABEL]
    hit_cpu, known_cpu = used[_HIT_LABEL]["function"], used[_304_LABEL]["function"]
    bare_cpu, select_cpu = used[_BARE_LABEL]["function"], used[_SELECT_LABEL]["database"]
    redis_cpu = used[_HIT_LABEL]["Redis"]
    both_cpu = [sum(pair) for pair in zip(hit_cpu, redis_cpu, strict=True)]
    alone, both = (short(ratio(select_cpu, cost).median) for cost in (hit_cpu, both_cpu))
    in_context = by_label[_CONTEXT_LABEL]
    context_cpu = [
        sum(pair)
        for pair in zip(
            *(used[_CONTEXT_LABEL][part] for part in ("function", "Redis")), strict=True
        )
    ]
    judged = [
        ("hit, p95 in ms", hit.percentile(95), _TARGET_P95_MS),
        ("hit, time of an EVALSHA", hit.against(raw).median, _TARGET_TO_EVALSHA),
        ("hit, time of a select", hit.against(select).median, 1),
        ("hit, CPU of a select", ratio(hit_cpu, select_cpu).median, 1 / _TARGET_RATE),
        ("not modified, time of a hit", known.against(hit).median, _TARGET_304),
        ("not modified, CPU of a hit", ratio(known_cpu, hit_cpu).median, _TARGET_304),
    ]
    spared = [
        f"{short(median(used[label]['database']))} ms for a {name}"
        for name, label in (("select", _SELECT_LABEL), ("hit", _HIT_LABEL), ("304", _304_LABEL))
    ]
    return [
        *(f"{what}: {short(value)}, {verdict(value, limit)}" for what, value, limit in judged),
        f"hits in the CPU time of a select: {alone}; Redis counted, too: {both}",
        f"CPU of the database, which is what a project has to grow: {', '.join(spared)}",
        f"a context: {short(in_context.against(hit).median)} of the time of a plain hit,"
        f" {short(ratio(context_cpu, both_cpu).median)} of its CPU, Redis counted, too",
        f"a function that only answers takes {short(bare.against(raw).median)} of the"
        f" {_TARGET_TO_EVALSHA} EVALSHAs, {short(bare.against(select).median)} of the select,"
        f" {short(bare.against(hit).median)} of a hit's time and"
        f" {short(ratio(bare_cpu, hit_cpu).median)} of its CPU",
    ]


def _round_medians(timing: Timing) -> list[float]:
    return [median(values) for values in timing.rounds]


def _beyond(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours without theirs, round by round."""
    return [our - their for our, their in zip(ours, theirs, strict=True)]


def _paid_for(label: str) -> str:
    if label == _RAW_LABEL:
        return "Redis"
    return "function" if label.startswith("function") else "database"


@contextlib.contextmanager
def _parts() -> Iterator[tuple[Parts, Callable[[], dict[str, list[int]]]]]:
    """What is measured, and what tells the processes that there are, by who is paid for them."""
    with contextlib.ExitStack() as running:
        # However busy the machine is, a hit is a hit: there is time for it.
        patience = {"CACHE_DEADLINE_SECONDS": "5"}
        stack = running.enter_context(
            Stack(without=["scheduler", "webhooks"], environment=patience)
        )
        addresses = stack.addresses
        world = running.enter_context(contextlib.closing(World(addresses["database_url"])))
        logs = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        ports: dict[str, int] = {}
        others = front.start(
            {"bypass": front.FUNCTIONS["api"], "bare": Function("bench.bare.handler")},
            {
                "SUPABASE_URL": addresses["supabase_url"],
                "SUPABASE_ANON_KEY": addresses["anon_key"],
                "SUPABASE_JWT_SECRET": addresses["jwt_secret"],
                "SUPABASE_JWT_ISSUER": "",
            },
            logs=logs,
            url_ports=ports,
        )
        running.callback(others.stop)
        others.wait(threading.Event())

        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        parts = Parts(stack, world, urls)
        pids = addresses["pids"]

        def groups() -> dict[str, list[int]]:
            return {
                # The front stands for Lambda's own.
                "function": [*family(pids["functions"])[1:], *family(others.part.pid)[1:]],
                "Redis": [pids["valkey"], pids["bridge"]],
                "database": [pids["postgrest"], *family(pids["postgres"])],
            }

        yield parts, groups


def postgrest_url(pid: int) -> str:
    """Where a PostgREST is, with nothing in front of it."""
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    (port,) = (v.partition("=")[2] for v in environment if v.startswith("PGRST_SERVER_PORT="))
    return f"http://127.0.0.1:{port}"


def _wait(call: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            call()
        except NotAnsweredError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
