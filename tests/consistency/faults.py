"""What goes wrong while people act: Redis, the way to it, the webhooks, and the workers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from devstack.stack import Stack
from tests.consistency.proxy import Dropped, Request, Send, canned
from tests.devstack.conftest import descendants

READS = {
    "load_composition",
    "resolve_context",
    "load_home",
    "current_etags",
    "pending_invalidations",
}


class Faults:
    """Handlers for the three proxies, and a loop that breaks one thing after the other.

    Args:
        stack: Whose parts are to suffer.
        seed: Decides what breaks next.
    """

    def __init__(self, stack: Stack, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.on = True
        self._breaking = False
        self._stack = stack
        self._random = random.Random(seed)
        self._redis_fault = ""
        self._late: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=10)

    async def run(self) -> None:
        """Break one thing after the other until `on` is false, and leave all of it whole."""
        breaks: list[Callable[[], Awaitable[None]]] = [
            self._hang_redis,
            self._restart_redis,
            self._evict,
            self._kill_worker,
            *(
                self._fault_on_the_way(what)
                for what in ("error", "garbage", "drop", "lose", "slow")
            ),
        ]
        self._breaking = True
        while self.on:
            await self._random.choice(breaks)()
            await asyncio.sleep(self._random.uniform(0.3, 1.5))

    async def settle(self) -> None:
        """Let the webhooks that are late arrive."""
        await asyncio.gather(*self._late)
        await self._client.aclose()

    # ----- the way to Redis

    async def redis(self, request: Request, send: Send) -> bytes:
        """Between the functions and the bridge."""
        fault = self._redis_fault if self._random.random() < 0.7 else ""
        if fault:
            self.counts[f"redis {fault}"] += 1
        if fault == "drop":
            raise Dropped
        if fault == "error":
            return canned(500, b"<html>Internal Server Error</html>")
        if fault == "garbage":
            return canned(200, b"*3\r\n$1\r\nH\r\n$100\r\n")
        if fault == "slow":
            await asyncio.sleep(self._random.uniform(0.05, 0.3))
        answer = await send(request)
        if fault == "lose":
            raise Dropped
        return answer

    def _fault_on_the_way(self, what: str) -> Callable[[], Awaitable[None]]:
        async def break_it() -> None:
            self._redis_fault = what
            await asyncio.sleep(self._random.uniform(0.3, 1.5))
            self._redis_fault = ""

        return break_it

    # ----- Redis

    async def _hang_redis(self) -> None:
        self.counts["redis hangs"] += 1
        with self._stack.hanging("valkey"):
            await asyncio.sleep(self._random.uniform(0.2, 1.5))

    async def _restart_redis(self) -> None:
        self.counts["redis restarts"] += 1
        os.kill(self._stack.addresses["pids"]["valkey"], signal.SIGKILL)
        await asyncio.sleep(self._random.uniform(0, 1))
        await asyncio.to_thread(self._stack.restart, "valkey")

    async def _evict(self) -> None:
        self.counts["redis evicts"] += 1
        headers = {"Authorization": f"Bearer {self._stack.addresses['redis_rest_token']}"}
        url = self._stack.addresses["redis_rest_url"]
        for _ in range(10):
            drawn = await self._client.post(url, json=["RANDOMKEY"], headers=headers)
            if key := drawn.json()["result"]:
                await self._client.post(url, json=["UNLINK", key], headers=headers)

    # ----- workers

    async def database(self, request: Request, send: Send) -> bytes:
        """Between the functions and PostgREST: some hear late, and some who write die first."""
        answer = await send(request)
        if not self.on:
            return answer
        if request.path.rpartition("/")[2] in READS:
            # What they hear may be history by then.
            if self._random.random() < 0.3:
                await asyncio.sleep(self._random.uniform(0, 0.4))
        elif self._breaking and self._random.random() < 0.03:
            if kill_owner_of_port(request.peer, self._workers()):
                self.counts["worker dies after commit"] += 1
            raise Dropped
        return answer

    async def _kill_worker(self) -> None:
        workers = sorted(self._workers())
        if workers:
            self.counts["worker dies"] += 1
            os.kill(self._random.choice(workers), signal.SIGKILL)

    def _workers(self) -> set[int]:
        return descendants(self._stack.addresses["pids"]["functions"])

    # ----- webhooks

    async def webhook(self, request: Request, send: Send) -> bytes:
        """Between the database and the webhook function: lost, late, twice, out of order."""
        if not self.on:
            return await send(request)
        fate = self._random.random()
        if fate < 0.3:
            self.counts["webhook lost"] += 1
            raise Dropped
        if fate < 0.5:
            self.counts["webhook twice"] += 1
            await send(request)
        elif fate < 0.8:
            self.counts["webhook late"] += 1
            # Those who come later overtake it.
            task = asyncio.create_task(self._deliver_later(request, self._random.uniform(0.2, 3)))
            self._late.add(task)
            return canned(200)
        return await send(request)

    async def _deliver_later(self, request: Request, seconds: float) -> None:
        await asyncio.sleep(seconds)
        path, head = request.path, request.head.decode("latin-1").split("\r\n")[1:]
        headers = [tuple(line.split(": ", 1)) for line in head if ": " in line]
        with contextlib.suppress(httpx.TransportError):
            await self._client.post(
                self._stack.addresses["webhook_url"].removesuffix(path) + path,
                headers=[(name, value) for name, value in headers if name.lower() != "host"],
                content=request.body,
            )


def kill_owner_of_port(port: int, pids: set[int]) -> bool:
    """Kill the one of the processes that has a connection from this port, if it still lives."""
    inode = _inode_of_port(port)
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                if descriptor.readlink().name == f"socket:[{inode}]":
                    os.kill(pid, signal.SIGKILL)
                    return True
            except OSError:
                continue  # has ended since
    return False


def _inode_of_port(port: int) -> str | None:
    table = Path("/proc/net/tcp").read_text()
    found = re.search(rf"0100007F:{port:04X}\s+(?:\S+\s+){{7}}(\d+)", table)
    return found and found[1]
