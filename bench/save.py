"""What the checks and the history of a save cost."""

import itertools
import uuid
from collections.abc import Callable, Iterator

from bench.measure import Side, race
from bench.report import TIMES, Figure, times
from bench.world import Bench, Person, World, document, statement

_SAVE = "select public.save_version(%s, %s, %s::jsonb) ->> 'version'"
_INSERT = "insert into bench.versions values (%s, %s, %s::jsonb) returning version"
_SIZES = (1, 10, 100)


def save(bench: Bench) -> Figure:
    """save_version() against an insert that checks nothing."""
    world = bench.world
    make_plain_table(world)
    person = world.person()
    rows = []
    for kilobytes in _SIZES:
        size = kilobytes * 1000
        sides = [
            Side(f"plain insert, {kilobytes} kB", _inserts(world, size)),
            Side(f"save_version, {kilobytes} kB", _saves(person, size)),
        ]
        base, ours = race(sides, bench.sizes.rounds, runs=10)
        rows += [times(base), times(ours, base)]
    what = "A new version, against one jsonb row a version, with no check, hash, history or RLS."
    return Figure(what, TIMES, rows)


def make_plain_table(world: World) -> None:
    """What people would have instead: a row a version, with the whole document."""
    world.database.execute(
        "create table bench.versions (composition_id uuid, version integer, document jsonb,"
        " primary key (composition_id, version))"
    )


def _inserts(world: World, size: int) -> Callable[[], object]:
    id, texts = uuid.uuid4(), _texts(size)

    def insert() -> None:
        version, text = next(texts)
        statement(world.database, _INSERT, id, version, text)()

    return insert


def _saves(person: Person, size: int) -> Callable[[], object]:
    id, texts = person.create(document(size)), _texts(size)

    def save_next() -> None:
        head, text = next(texts)
        statement(person.connection, _SAVE, id, head, text)()

    return save_next


def _texts(size: int) -> Iterator[tuple[int, str]]:
    """Numbered documents, each of its own: what is the same as one before is stored already."""
    before, after = document(size).split('"salt":0', 1)
    return ((nth, f'{before}"salt":{nth}{after}') for nth in itertools.count(1))
