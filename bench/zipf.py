"""How often the cache knows the answer when some compositions are loaded far more than others."""

import contextlib
import itertools
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec

from bench.clients import Client, token
from bench.measure import short
from bench.plots import distributions, lines
from bench.report import Figure, verdict
from bench.world import Bench, World, sample, statement
from demo.report import percentile
from devstack.stack import Stack

_COMPOSITIONS = 100
_VIEWERS = (1, 3)
_STEPS_A_ROUND = 400
_WRITES = 0.01
_TARGET_MISSES = 5
_WINDOW = 100
_SHARE = "select public.share_composition(%s, 'viewer', user_id => %s)"
_PENDING = """
select (select count(*) from private.cache_outbox) + (select count(*) from net.http_request_queue)
"""

P = ParamSpec("P")


class StaleError(Exception):
    """A load showed something older than a write that had been answered."""


@dataclass
class Piece:
    """A composition: the path to it, the version that its owner has been told of, its viewers."""

    path: str
    owner: Client
    viewers: list[Client]
    version: int = 1


@dataclass
class Play:
    """What came of a play: ms of saves, and of loads with where they were answered from."""

    saves: list[float] = field(default_factory=list)
    loads: list[tuple[str, float]] = field(default_factory=list)

    def times(self, source: str) -> list[float]:
        """Ms of the loads that were answered from there."""
        return [ms for where, ms in self.loads if where == source]

    def hit_rate(self, start: int = 0, end: int | None = None) -> float:
        """Percent of the loads from one to another."""
        some = self.loads[start:end]
        return 100 * sum(source == "hit" for source, _ in some) / len(some)


def zipf(bench: Bench) -> Figure:
    """Loads by Zipf's law, and one write in a hundred steps, one after another."""
    plays = {}
    steps = bench.sizes.rounds * _STEPS_A_ROUND
    with Stack() as stack, contextlib.closing(World(stack.addresses["database_url"])) as world:
        for count in _VIEWERS:
            plays[f"{count} a composition"] = _play(_pieces(stack, world, count), steps)

    rows = []
    for viewers, play in plays.items():
        misses = verdict(100 - play.hit_rate(), _TARGET_MISSES, " % misses")
        rows += [
            _row(f"{viewers}: hits", play.times("hit"), f"{play.hit_rate():.1f}", misses),
            _row(f"{viewers}: misses", play.times("miss")),
            _row(f"{viewers}: bypasses", play.times("bypass")),
            _row(f"{viewers}: saves", play.saves),
        ]
    what = (
        f"{_COMPOSITIONS} compositions, each loaded once before, popular by Zipf's law;"
        f" {_WRITES:.0%} of the steps save. Stale loads: none."
    )
    columns = ["viewers", "number", "p50 ms", "p95 ms", "hit rate, %", "target"]
    # A save is followed by one when it is answered, and by another when the webhook says the same.
    notes = [
        f"{viewers}: {len(play.times('miss')) / max(len(play.saves), 1):.1f} misses a save"
        for viewers, play in plays.items()
    ]
    return Figure(what, columns, rows, notes, _pictures(plays))


def _pieces(stack: Stack, world: World, viewer_count: int) -> list[Piece]:
    """Compositions of one person, shared with others who load them."""
    secret, url = stack.addresses["jwt_secret"], stack.addresses["functions_url"]
    owner, *others = (world.person() for _ in range(viewer_count))
    clients = [
        Client(
            url,
            {
                "Authorization": f"Bearer {token(secret, person.id)}",
                "Accept-Encoding": "br",
                "Content-Type": "application/json",
            },
        )
        for person in (owner, *others)
    ]
    pieces = []
    for _ in range(_COMPOSITIONS):
        piece = owner.create(sample(10_000))
        for other in others:
            statement(owner.connection, _SHARE, piece, other.id)()
        pieces.append(Piece(f"/v1/compositions/{piece}", clients[0], clients))
    # What the database says of their making would drop what is loaded now.
    while statement(world.database, _PENDING)():
        time.sleep(0.1)
    return pieces


def _play(pieces: list[Piece], steps: int) -> Play:
    play, chance = Play(), random.Random(4)
    for piece in pieces:
        for viewer in piece.viewers:
            _load(piece, viewer)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(pieces) + 1)))
    for nth in range(steps):
        (piece,) = chance.choices(pieces, cum_weights=weights)
        if chance.random() < _WRITES:
            play.saves.append(_timed(_save, piece, nth)[1])
        else:
            play.loads.append(_timed(_load, piece, chance.choice(piece.viewers)))
    return play


def _load(piece: Piece, viewer: Client) -> str:
    """Load.

    Returns:
        Where it was answered from.
    """
    headers, _ = viewer.send("GET", piece.path)
    version = int(headers["etag"].strip('"').partition(".")[0])
    if version < piece.version:
        raise StaleError(f"version {version} after version {piece.version} was saved")
    return headers["x-cache"]


def _save(piece: Piece, nth: int) -> str:
    document = json.loads(sample(10_000)) | {"ext": {"bench/nth": nth}}
    body = json.dumps({"document": document}).encode()
    _, answer = piece.owner.send("PUT", piece.path, body, if_match=f'"{piece.version}"')
    piece.version = json.loads(answer)["version"]
    return "save"


def _timed(step: Callable[P, str], *values: P.args, **names: P.kwargs) -> tuple[str, float]:
    started = time.perf_counter()
    came_of_it = step(*values, **names)
    return came_of_it, (time.perf_counter() - started) * 1000


def _row(label: str, times: list[float], rate: str = "", target: str = "") -> list[str]:
    percentiles = [short(percentile(times, percent)) if times else "" for percent in (0.5, 0.95)]
    return [label, str(len(times)), *percentiles, rate, target]


def _pictures(plays: Mapping[str, Play]) -> list[str]:
    return [
        lines(
            "Hit rate",
            "%",
            {
                viewers: [
                    play.hit_rate(start, start + _WINDOW)
                    for start in range(0, len(play.loads) - _WINDOW + 1, _WINDOW)
                ]
                for viewers, play in plays.items()
            },
            f"{_WINDOW} loads each",
        ),
        distributions(
            "How long loads and saves take",
            "ms",
            {
                f"{viewers}: {what}": times
                for viewers, play in plays.items()
                for what, times in {
                    "hits": play.times("hit"),
                    "misses": play.times("miss"),
                    "saves": play.saves,
                }.items()
                if times
            },
        ),
    ]
