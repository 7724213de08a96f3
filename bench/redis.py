"""What reading the cache costs the function that does it, against the stock client."""

import asyncio
import tempfile
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import upstash_redis.asyncio

from bench.measure import Side, race
from bench.report import TIMES, Figure, compared
from bench.world import Bench
from devstack import bridge, valkey
from functions.core.cache import Cache, Hit, Miss, Unchanged
from functions.core.redis import Redis, Script

_PASSWORD, _TOKEN = "password", "token"
_CALLS = 20
_PATIENCE_SECONDS = 60
_ETAG = "e" * 32
# The size of a 20 kB document in brotli. Text: the stock client can take nothing else.
_BODY = b"composed " * 500
_PIECE = uuid.UUID(int=1)


class NotAnsweredError(Exception):
    """A read was answered by something else than what was kept."""


@dataclass(frozen=True)
class Viewer:
    """Somebody with a token."""

    user_id: uuid.UUID
    fingerprint: str


_VIEWER = Viewer(uuid.UUID(int=2), "f" * 32)


def redis(bench: Bench) -> Figure:
    """Hits through upstash-redis with its own transport and with ours, one after another."""
    with _bridge() as url, asyncio.Runner() as runner, ExitStack() as clients:
        stock = upstash_redis.asyncio.Redis(
            url, _TOKEN, rest_retries=0, allow_telemetry=False, read_your_writes=False
        )
        ours = Redis(url, _TOKEN, _PATIENCE_SECONDS)
        clients.callback(lambda: runner.run(stock.close()))
        clients.callback(lambda: runner.run(ours.close()))
        cache = Cache(ours, deadline_seconds=_PATIENCE_SECONDS)
        runner.run(_fill(cache))
        calls = _calls(stock, ours, cache)
        timings = []
        for what, clock in (("elapsed", time.perf_counter), ("client CPU", time.process_time)):
            sides = [
                Side(f"{what}: {label}", _repeated(runner, call), _CALLS, clock)
                for label, call in calls.items()
            ]
            timings.append(race(sides, bench.sizes.rounds, runs=5))
    rows = [row for group in timings for row in compared(group)]
    what = f"A hit of {len(_BODY):,} bytes by EVALSHA through the bridge, on a kept connection."
    return Figure(what, TIMES, rows)


def _calls(
    stock: upstash_redis.asyncio.Redis, ours: Redis, cache: Cache
) -> dict[str, Callable[[], Awaitable[object]]]:
    """Ways to read, by label; each raises when it did not get what was kept."""
    who = _VIEWER.user_id.hex + _VIEWER.fingerprint
    keys = [f"p1:c:{_PIECE}", f"p1:v:{_VIEWER.user_id}", "p1:u:1"]
    arguments = [who, str(int(time.time() * 1000)), "0", "60000", "-", str(_PIECE)]
    sha1 = Script("read").sha1

    async def evalsha(client: upstash_redis.asyncio.Redis) -> None:
        answer = await client.evalsha(sha1, keys, arguments)
        if answer[-1] not in (_BODY, _BODY.decode()):
            raise NotAnsweredError(answer)

    async def read(known_etag: str | None, expected: type) -> None:
        answer = await cache.read(_PIECE, _VIEWER, known_etag)
        if not isinstance(answer, expected):
            raise NotAnsweredError(answer)

    return {
        "upstash-redis, its own transport": lambda: evalsha(stock),
        "upstash-redis, our transport": lambda: evalsha(ours),
        "Cache.read, a hit": lambda: read(None, Hit),
        "Cache.read, not modified": lambda: read(_ETAG, Unchanged),
    }


async def _fill(cache: Cache) -> None:
    missed = await cache.read(_PIECE, _VIEWER)
    if not isinstance(missed, Miss):
        raise NotAnsweredError(missed)
    await cache.fill(missed.lease, _ETAG, b"meta", _BODY)


def _repeated(
    runner: asyncio.Runner, call: Callable[[], Awaitable[object]]
) -> Callable[[], object]:
    async def repeat() -> None:
        for _ in range(_CALLS):
            await call()

    return lambda: runner.run(repeat())


@contextmanager
def _bridge() -> Iterator[str]:
    """Where a bridge to an empty Valkey is."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as running:
        logs = Path(folder)
        store = valkey.start(logs / "valkey", _PASSWORD, logs=logs)
        running.callback(store.stop)
        front = bridge.start(store.port, _PASSWORD, _TOKEN, logs=logs)
        running.callback(front.stop)
        for server in (store, front):
            server.wait(threading.Event())
        yield f"http://127.0.0.1:{front.port}"
