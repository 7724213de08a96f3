"""How fast hostile documents are refused, and that they leave nothing behind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.measure import Side, private_memory, race
from bench.report import TIMES, Figure, times, verdict
from bench.world import Bench, document

_SAVE = "select public.save_version(%s, 1, %s::jsonb)"
_PARSE = "select pg_typeof(%s::jsonb)"
_TARGET_MS = 100
# The number bomb, let in, takes a thousand.
_TARGET_MB = 32
_WITH_TARGET = {"number bomb", "zero bomb", "depth bomb", "null character"}
_WARM_UP = 10
# By us, or by jsonb itself.
_REFUSALS = {"PT422", "22P05"}


class NotRefusedError(Exception):
    """A hostile document was taken, or failed in a way that is no refusal."""


def hostile(bench: Bench) -> Figure:
    """save_version() of what would be expensive to look at."""
    rows = []
    for label, value in _bombs().items():
        text = f'{{"format": "composition/1", "dialect": "json", "body": {{"bomb": {value}}}}}'
        # A server process of its own for each: none inherits the memory of another.
        person, plain = bench.world.person(), bench.world.connect()
        piece = person.create(document(10_000))
        refuse = _refused(person.connection, _SAVE, piece, text)
        parse = _answered(plain, _PARSE, text)
        # What a process keeps of its first calls is no work of the bomb.
        for _ in range(_WARM_UP):
            _refused(person.connection, _SAVE, piece, "{}")()
            _answered(plain, _PARSE, "{}")()
        with _watched(plain) as plain_memory, _watched(person.connection) as memory:
            sides = [Side(f"{label}, jsonb alone", parse), Side(f"{label}, refused", refuse)]
            base, ours = race(sides, bench.sizes.rounds // 3, runs=3)
        verdicts = [
            verdict(ours.percentile(95), _TARGET_MS, " ms"),
            verdict(memory.peak_bytes / 1e6, _TARGET_MB, " MB"),
        ]
        rows.append([*times(base)[:-1], *plain_memory.cells(), ""])
        target = ", ".join(verdicts) if label in _WITH_TARGET else ""
        rows.append([*times(ours, base)[:-1], *memory.cells(), target])
    what = (
        "Refusing, against jsonb's own reading of the same; private memory of the server process."
    )
    columns = [*TIMES[:-1], "peak MB", "after MB", TIMES[-1]]
    return Figure(what, columns, rows)


def _bombs() -> dict[str, str]:
    return {
        "number bomb": "[" + ",".join(["1e131071"] * 8_000) + "]",
        "zero bomb": "[" + ",".join(["0e-16383"] * 8_000) + "]",
        "depth bomb": "[" * 10_000 + "]" * 10_000,
        "null character": r'["\u0000"]',
        "1.1 MB of items": "[" + ",".join(["0"] * 550_000) + "]",
        "3 MB of items": "[" + ",".join(["0"] * 1_500_000) + "]",
        "3 MB of text": '["' + "x" * 3_000_000 + '"]',
    }


def _answered(
    connection: psycopg.Connection[Any], query: str, *values: object
) -> Callable[[], str | None]:
    def run() -> str | None:
        try:
            connection.execute(query, values)
        except psycopg.Error as error:
            return error.sqlstate
        return None

    return run


def _refused(
    connection: psycopg.Connection[Any], query: str, *values: object
) -> Callable[[], None]:
    answer = _answered(connection, query, *values)

    def run() -> None:
        if (state := answer()) not in _REFUSALS:
            raise NotRefusedError(f"expected a refusal, got {state or 'none'}")

    return run


@dataclass
class _Memory:
    """How far it moved from where it was: at most, and in the end."""

    peak_bytes: int = 0
    after_bytes: int = 0

    def cells(self) -> list[str]:
        return [f"{self.peak_bytes / 1e6:+.1f}", f"{self.after_bytes / 1e6:+.1f}"]


@contextmanager
def _watched(connection: psycopg.Connection[Any]) -> Iterator[_Memory]:
    """Look at the memory every millisecond until the block ends."""
    memory, done = _Memory(), threading.Event()
    pid = connection.info.backend_pid
    before = private_memory(pid)

    def watch() -> None:
        while not done.wait(0.001):
            memory.peak_bytes = max(memory.peak_bytes, private_memory(pid) - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        done.set()
        watcher.join()
    memory.after_bytes = private_memory(pid) - before
