"""What it costs to merge two people's edits of one document."""

import copy
import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

from bench.measure import Side, race
from bench.report import TIMES, Figure, times, verdict
from bench.world import Bench, compact, document, statement
from demo.corpus import open_corpus
from demo.samples import open_samples

_SIZES = (5, 50, 500)
_EDITS = 10
_TARGET_KB, _TARGET_MS = 50, 25
_CORPUS_DOCUMENTS = 1000
_CHECK = "select private.document_problems(m.mine) from bench.merges as m where m.kilobytes = %s"
_MERGE = """
select (private.{}(m.base, m.head, m.mine)).conflicts from bench.merges as m where m.kilobytes = %s
"""


def merge(bench: Bench) -> Figure:
    """Three-way merges of real documents, against the check of one that every save pays."""
    database = bench.world.database
    database.execute(
        "create table bench.merges (kilobytes integer, base jsonb, head jsonb, mine jsonb)"
    )
    rows, notes = [], []
    for kilobytes, base in _documents(bench).items():
        head, mine = _edited(base)
        texts = [compact(value) for value in (base, head, mine)]
        database.execute("insert into bench.merges values (%s, %s, %s, %s)", [kilobytes, *texts])
        label = f"{len(texts[0].encode()) / 1000:.0f} kB"
        check = statement(database, _CHECK, kilobytes)
        runs = {
            name: statement(database, _MERGE.format(name), kilobytes)
            for name in ("merge_json", "merge_documents")
        }
        sides = [Side(f"{label}: one document checked", check)]
        sides += [Side(f"{label}: {name}", run) for name, run in runs.items()]
        checked, merged, whole = race(sides, bench.sizes.rounds, runs=5)
        target = verdict(merged.percentile(95), _TARGET_MS, " ms")
        is_target = kilobytes == _TARGET_KB
        rows += [times(checked), times(merged, checked, target if is_target else "")]
        rows.append(times(whole, checked))
        count = len(json.loads(runs["merge_json"]()))
        notes.append(f"{label}: {_EDITS} edits a side, {count} conflicts.")
    what = "A merge of two people's edits; merge_documents checks the result like any document."
    return Figure(what, TIMES, rows, notes)


def _documents(bench: Bench) -> dict[int, Any]:
    """By kilobytes, the version of the corpus that is nearest, or else what samples are made of."""
    made = {kilobytes: json.loads(document(kilobytes * 1000)) for kilobytes in _SIZES}
    if not bench.corpus:
        return made
    histories = itertools.chain(
        open_corpus(bench.corpus, _CORPUS_DOCUMENTS).histories, open_samples(0).histories
    )
    nearest: dict[int, tuple[int, Any]] = {}
    for revision in (history.revisions[-1] for history in histories):
        size = len(compact(revision.document).encode())
        for kilobytes in _SIZES:
            distance = abs(size - kilobytes * 1000)
            if kilobytes not in nearest or distance < nearest[kilobytes][0]:
                nearest[kilobytes] = distance, revision.document
    return {kilobytes: found for kilobytes, (_, found) in nearest.items()}


def _edited(base: Any) -> tuple[Any, Any]:
    """The document with so many values changed by one, and by another, each value by one alone."""
    chance = random.Random(len(compact(base)))
    sides = copy.deepcopy(base), copy.deepcopy(base)
    places = list(_places(base))
    chosen = chance.sample(places, min(2 * _EDITS, len(places)))
    for nth, (*path, last) in enumerate(chosen):
        holder = sides[nth % 2]
        for key in path:
            holder = holder[key]
        holder[last] = f"edit {nth}"
    return sides


def _places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Of all texts below a document's own keys, which say what it is."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        if isinstance(child, dict | list):
            yield from _places(child, *path, key)
        elif isinstance(child, str) and path:
            yield (*path, key)
