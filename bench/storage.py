"""How large real histories become, and how fast they are read back."""

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from bench.measure import Side, race, short
from bench.report import Figure, times, verdict
from bench.save import make_plain_table
from bench.world import Bench, Person, World, compact, statement
from demo.corpus import open_corpus
from demo.histories import Source
from demo.samples import open_samples

_SAVE = "select public.save_version(%s, %s, %s::jsonb) ->> 'version'"
_INSERT = "insert into bench.versions values (%s, %s, %s::jsonb)"
_SELECT = "select document from bench.versions where composition_id = %s and version = %s"
_LOAD = "select public.load_composition(%s), %s::integer"
_GET = "select public.get_version(%s, %s)"
_TABLES = ("compositions", "composition_versions", "user_compositions")
_SHARE = 0.36
_HEAD_MS, _VERSION_MS = 0.5, 5
_VERSION_BYTES = 100_000
_READ = 300


def storage(bench: Bench) -> Figure:
    """What the project stores for real histories, against one jsonb row a version."""
    sources = [open_samples(0)]
    if bench.corpus:
        sources.append(open_corpus(bench.corpus, bench.sizes.documents))
    rows = []
    for source in sources:
        bench.world.clear()
        make_plain_table(bench.world)
        person = bench.world.person()
        versions = _store(bench.world, person, source)
        bench.world.database.execute("vacuum analyze")
        rows += _sizes(bench.world, source, len(versions), is_corpus=source is not sources[0])
    rows += _reads(bench, person, versions)
    what = "All versions of real documents, indexes and TOAST included, against one jsonb row each."
    return Figure(what, ["", "MB", "p50 ms", "p95 ms", "ratio (range)", "target"], rows)


def _store(world: World, person: Person, source: Source) -> list[tuple[str, int, int, bool]]:
    """Save all histories, in both ways.

    Returns:
        Of every version: its composition, its number, its bytes, and whether it is the head.
    """
    stored = []
    for history in source.histories:
        texts = [compact(revision.document) for revision in history.revisions]
        piece = person.create(texts[0], history.title)
        for head, text in enumerate(texts[1:], start=1):
            statement(person.connection, _SAVE, piece, head, text)()
        for version, text in enumerate(texts, start=1):
            world.database.execute(_INSERT, [piece, version, text])
            stored.append((piece, version, len(text.encode()), version == len(texts)))
    return stored


def _sizes(world: World, source: Source, count: int, *, is_corpus: bool) -> list[list[str]]:
    def megabytes(*tables: str) -> float:
        query = "select sum(pg_total_relation_size(t::regclass)) from unnest(%s::text[]) as t"
        return float(statement(world.database, query, list(tables))()) / 1e6

    plain = megabytes("bench.versions")
    contents = megabytes("public.compositions")
    everything = megabytes(*(f"public.{table}" for table in _TABLES))
    label = f"{source.name}, {count:,} versions"

    def row(what: str, size: float, target: str = "") -> list[str]:
        return [what, f"{size:.2f}", "", "", short(size / plain), target]

    return [
        row(f"{label}: one row each", plain),
        row("  documents", contents, verdict(contents / plain, _SHARE) if is_corpus else ""),
        row("  documents, versions, compositions", everything),
    ]


def _reads(
    bench: Bench, person: Person, versions: Sequence[tuple[str, int, int, bool]]
) -> list[list[str]]:
    picked = random.Random(1)
    heads = [(id, version) for id, version, _, is_head in versions if is_head]
    small = [(id, version) for id, version, size, _ in versions if size <= _VERSION_BYTES]
    rows = []
    for what, name, query, found, limit in (
        ("a head", "load_composition", _LOAD, heads, _HEAD_MS),
        ("any version up to 100 kB", "get_version", _GET, small, _VERSION_MS),
    ):
        chosen = picked.choices(found, k=_READ)
        base, ours = race(
            [
                Side(f"{what}: its row", _reader(bench.world.database, _SELECT, chosen)),
                Side(f"{what}: {name}", _reader(person.connection, query, chosen)),
            ],
            bench.sizes.rounds,
            runs=_READ // 3,
        )
        target = verdict(ours.percentile(95), limit, " ms p95")
        for label, *cells in (times(base), times(ours, base, target)):
            rows.append([label, "", *cells])
    return rows


def _reader(
    connection: psycopg.Connection[Any], query: str, chosen: Sequence[tuple[str, int]]
) -> Callable[[], object]:
    turns = itertools.cycle(chosen)

    def read_next() -> None:
        statement(connection, query, *next(turns))()

    return read_next
