"""What was written elsewhere, made visible: rows of the outbox, from the webhook or the sweep.

The keys are unlinked first, and only then is a row acknowledged. Whatever breaks between them, the
row is delivered once more, and to unlink once more does no harm.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from functions.core.cache import Cache
from functions.core.database import Database

_ROWS = 500


@dataclass(frozen=True, slots=True)
class Invalidation:
    """A row of the outbox: a composition has changed for everybody, or everything for a person.

    Args:
        id: Acknowledges it.
        composition_id: None if there is a user.
        user_id: None if there is a composition.
        created_at: When it was written, within the transaction.
    """

    id: int
    composition_id: UUID | None
    user_id: UUID | None
    created_at: datetime

    @classmethod
    def read(cls, row: Any) -> Self:
        """One from its JSON.

        Raises:
            ValueError: It is none.
        """
        match row:
            case {"id": bool()}:
                pass
            case {
                "id": int(id),
                "composition_id": str(composition_id),
                "user_id": None,
                "created_at": str(at),
            }:
                return cls(id, UUID(composition_id), None, _time(at))
            case {
                "id": int(id),
                "composition_id": None,
                "user_id": str(user_id),
                "created_at": str(at),
            }:
                return cls(id, None, UUID(user_id), _time(at))
        raise ValueError("no row of the outbox")


async def deliver(
    cache: Cache, database: Database, invalidations: Sequence[Invalidation]
) -> list[int]:
    """Have the cache forget, then say that it has.

    Returns:
        How long each was on its way, in ms, until the cache had forgotten.

    Raises:
        CacheUnavailable: Nothing is acknowledged.
        DatabaseUnavailable: The cache has forgotten, and will be told again.
    """
    if not invalidations:
        return []
    await cache.unlink(
        {row.composition_id for row in invalidations if row.composition_id},
        {row.user_id for row in invalidations if row.user_id},
    )
    now = time.time()
    await database.call_as_service(
        "acknowledge_invalidations", ids=[row.id for row in invalidations]
    )
    return [max(0, round(1000 * (now - row.created_at.timestamp()))) for row in invalidations]


async def drain(cache: Cache, database: Database) -> AsyncIterator[list[int]]:
    """Deliver what is due until nothing is.

    Yields:
        What `deliver` returns, at most 500 at a time.

    Raises:
        CacheUnavailable: As `deliver`; what was taken comes due again by itself.
        DatabaseUnavailable: Nothing was taken, or as `deliver`.
    """
    while True:
        answer = await database.call_as_service("pending_invalidations", row_limit=_ROWS)
        taken = [Invalidation.read(row) for row in answer.json()]
        if not taken:
            return
        yield await deliver(cache, database, taken)


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at
