"""What the demo plays in: documents with their histories, wherever they come from.

A source is read lazily, one history at a time, so a large one need not fit into memory.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")


class SourceError(Exception):
    """A source cannot be read; the message says why, to a person."""


@dataclass(frozen=True)
class Revision:
    """One state of a document, and what its author said about it."""

    document: Json
    message: str | None


@dataclass(frozen=True)
class History:
    """A document from its first state to its last; there is at least one."""

    title: str
    description: str
    tags: list[str]
    revisions: list[Revision]


@dataclass(frozen=True)
class Source:
    """Where histories come from.

    Args:
        name: For people.
        document_count: How many histories to expect; fewer if some have no state that is JSON.
        histories: They can be read once.
        skipped: What was passed over, by reason; complete once all histories are read.
    """

    name: str
    document_count: int
    histories: Iterator[History]
    skipped: Counter[str] = field(default_factory=Counter)


def one_after_another(sources: Sequence[Source]) -> Source:
    """Several sources as one."""
    skipped: Counter[str] = Counter()

    def histories() -> Iterator[History]:
        for source in sources:
            yield from source.histories
            skipped.update(source.skipped)

    return Source(
        name=" and ".join(source.name for source in sources),
        document_count=sum(source.document_count for source in sources),
        histories=histories(),
        skipped=skipped,
    )


def read_json(text: str | bytes) -> Any:
    """JSON that can be sent on as it is.

    Raises:
        ValueError: It is none. Python reads more than JSON can say (NaN, 1e999, half a surrogate
            pair) and less: nesting has an end.
    """
    try:
        content = json.loads(text)
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return content


def as_composition(content: Any) -> Json:
    """A composition document as it is; anything else as the body of one.

    Args:
        content: Any JSON. What is no object becomes one, with the key `value`.
    """
    body: Json = content if isinstance(content, dict) else {"value": content}
    if body.get("format") == "composition/1":
        return body
    return {"format": "composition/1", "dialect": "json", "body": body}


def spread(items: Sequence[T], wanted: int) -> list[T]:
    """`wanted` of the items, the same ones every time, at even distances; 0: all of them."""
    if not 0 < wanted < len(items):
        return list(items)
    return [items[i * len(items) // wanted] for i in range(wanted)]
