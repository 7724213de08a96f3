"""What loading a composition costs, and whether it grows with what others have."""

import contextlib
import tempfile
from pathlib import Path

from bench.measure import Side, race
from bench.report import TIMES, Figure, compared, times, verdict
from bench.world import Bench, World, document, statement
from devstack import migrations
from devstack.postgres import Postgres

_SELECT = """
select d.document
  from public.user_compositions as c
  join public.compositions as d on d.content_hash = c.current_hash
 where c.id = %s
"""
_LOAD = "select public.load_composition(%s)"
_LIST = "select public.list_my_compositions(after => %s)"
_NEXT = "select public.list_my_compositions(after => %s) ->> 'next'"
_SEARCH = "select public.list_my_compositions(jsonb_build_object('search', %s::text))"
_FEW = 1_000
_OWN = 120
_TARGET_GROWTH = 1.5


def load(bench: Bench) -> Figure:
    """load_composition() against plain statements."""
    world = bench.world
    person = world.person()
    piece = person.create(document(10_000))
    world.fill(_FEW, world.accounts(10))
    timings = race(
        [
            Side("select by key, no RLS", statement(world.database, _SELECT, piece)),
            Side("load_composition", statement(person.connection, _LOAD, piece)),
            Side("select 1: the round trip", statement(person.connection, "select 1")),
        ],
        bench.sizes.rounds,
        runs=100,
    )
    what = "A 10 kB document by its composition's id, over an open connection."
    return Figure(what, TIMES, compared(timings))


def load_scale(bench: Bench) -> Figure:
    """The same calls in a small table and in a large one, both there at once."""
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Postgres(Path(folder)) as postgres,
    ):
        migrations.push(postgres.url())
        with contextlib.closing(World(postgres.url())) as few:
            calls = [_settle(few, _FEW), _settle(bench.world, bench.sizes.crowd)]
            for small, large in zip(*calls, strict=True):
                base, grown = race([small, large], bench.sizes.rounds, runs=30)
                target = verdict(grown.against(base).median, _TARGET_GROWTH)
                rows += [times(base), times(grown, base, target)]
    what = f"What one person asks for, among {_FEW:,} compositions and {bench.sizes.crowd:,}."
    return Figure(what, TIMES, rows)


def _settle(world: World, crowd: int) -> list[Side]:
    """Make somebody with compositions of their own among those of others.

    Returns:
        What they ask for.
    """
    person = world.person()
    piece = person.create(document(10_000))
    world.fill(_OWN - 1, [person.id])
    world.fill(crowd - _OWN, world.accounts(crowd // 100))
    last = None
    while cursor := statement(person.connection, _NEXT, last)():
        last = cursor
    asked = [
        ("load_composition", _LOAD, piece),
        ("first page", _LIST, None),
        ("last page", _LIST, last),
        ("search for a word that all have", _SEARCH, "position"),
        ("search for a word that none has", _SEARCH, "nowhere"),
    ]
    return [
        Side(f"{label}, {crowd:,}", statement(person.connection, query, argument))
        for label, query, argument in asked
    ]
