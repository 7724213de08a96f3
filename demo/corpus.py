"""A corpus of documents that others have edited: JSON lines, grouped by document, oldest first.

A line is {"source": repository, "license": SPDX, "kind", "path", "commit", "committed_at",
"document": {…}}; a document is known by source and path. The file is read twice, line by line: to
choose, then to play; so its size does not matter.
"""

import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from demo.histories import History, Revision, Source, SourceError, as_composition, read_json, spread
from devstack.packages import PROJECT

_DEFAULT = PROJECT.parent / "shared/corpus/dev.jsonl.zst"

_KEYS = {"source", "license", "kind", "path", "commit", "committed_at", "document"}


def find_corpus() -> Path | None:
    """The corpus to use when none is named, where there is one."""
    return _DEFAULT if _DEFAULT.exists() else None


def open_corpus(file: Path, wanted: int) -> Source:
    """Some documents of a corpus: of every kind as many as of the others, over all its sources.

    Args:
        file: `.jsonl`, or `.zst` of it; the keys of a line are those in `_KEYS`.
        wanted: How many documents; 0: all.

    Raises:
        SourceError: It cannot be read, a line lacks a key, or there is none.
    """
    lines_by_kind: dict[str, dict[tuple[str, str], list[int]]] = {}
    for number, entry in _entries(file):
        documents = lines_by_kind.setdefault(entry["kind"], {})
        documents.setdefault((entry["source"], entry["path"]), []).append(number)

    quotas = _quotas({kind: len(found) for kind, found in lines_by_kind.items()}, wanted)
    chosen = [
        lines
        for kind, quota in quotas.items()
        for lines in spread(list(lines_by_kind[kind].values()), quota)
    ]
    if not chosen:
        raise SourceError(f"{file}: it holds no documents")
    return Source(file.name, len(chosen), _histories(file, set().union(*chosen)))


def _quotas(counts: dict[str, int], wanted: int) -> Counter[str]:
    # One of each kind in turn, while it has any: a rare kind comes in whole.
    turns = (
        kind
        for turn in range(max(counts.values(), default=0))
        for kind in counts
        if turn < counts[kind]
    )
    return Counter(itertools.islice(turns, wanted or None))


def _histories(file: Path, lines: set[int]) -> Iterator[History]:
    entries = (entry for _, entry in _entries(file, lines))
    for (source, path), group in itertools.groupby(entries, lambda e: (e["source"], e["path"])):
        versions = list(group)
        kind, license_name = versions[0]["kind"], versions[0]["license"]
        yield History(
            title=path[-200:],
            description=f"{kind} of {source} ({license_name})",
            tags=[kind],
            revisions=[
                Revision(
                    as_composition(version["document"]),
                    f"{version['committed_at'][:10]}: {version['commit'][:12]}",
                )
                for version in versions
            ],
        )


def _entries(file: Path, lines: set[int] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        with _open(file) as text:
            for number, line in enumerate(text, start=1):
                if lines is None or number in lines:
                    entry = json.loads(line) if lines is None else read_json(line)
                    if missing := _KEYS - set(entry):
                        raise SourceError(f"{file}, line {number}: no {', '.join(sorted(missing))}")
                    yield number, entry
    except (OSError, TypeError, ValueError, zstandard.ZstdError) as error:
        raise SourceError(f"{file}, after line {number}: {error}") from error


def _open(file: Path) -> io.TextIOBase:
    if file.suffix == ".zst":
        text: io.TextIOBase = zstandard.open(file, "rt", encoding="utf-8")
        return text
    return file.open(encoding="utf-8")
