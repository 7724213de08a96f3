"""What runs by the clock: sweep what webhooks lost, warm what is popular, audit what is cached.

Each may be ended at any time, run twice at once, or be left out: the next one does it then. What
cannot go on for now ends well, and says in its report what stopped it: the cache or the database
that gave no answer, or the end of its time. Everything else is a failure that an operator has to
see to.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from functions.core.cache import (
    BARE,
    HOME,
    MAX_BODY_BYTES,
    CacheUnavailable,
    Entry,
    context_of,
)
from functions.core.compression import compress
from functions.core.invalidation import drain
from functions.core.json_text import elements
from functions.core.loop import run
from functions.core.metrics import Metrics
from functions.core.parts import Parts, parts
from functions.core.problems import DatabaseUnavailable, Json
from functions.core.runtime import Context, seconds_to_work

# How often a sweep looks that goes on looking.
_LOOK_SECONDS = 2
# How long a direct write may take to be seen at the worst, and a bit more.
_PATIENCE_SECONDS = 20
_RECHECK_SECONDS = 1
_SAMPLE = 50  # each takes some six commands of Redis
_NAMED = 20

# What the functions of the database take at a time, at most.
_USAGE_ENTRIES = 1000
_USAGE_COUNT = 999_999_999
_POPULAR = 200
_WARMED = 50
_ETAGS = 500

T = TypeVar("T")
_Question = tuple[str, str, str]


def sweep(event: Json, context: Context) -> Json:
    """Deliver what no webhook has delivered, until nothing is due.

    Args:
        event: `{for_seconds?}`: to go on looking for so long, for a schedule whose steps are longer
            than a write may stay unseen. Whatever stops it is tried again then.
        context: Of the runtime.

    Returns:
        `{delivered, pending_cleared, lag_ms: {p50, p95, max} | null, stopped}`.
    """
    return run(_sweep(parts(), event, context))


def warm(event: Json, context: Context) -> Json:
    """Report how often compositions were loaded, and put the bodies of the popular into the cache.

    Args:
        event: Nothing of it is read.
        context: Of the runtime.

    Returns:
        `{recorded, popular, warmed, stopped}`: counts of compositions.
    """
    del event
    return run(_warm(parts(), context))


def audit(event: Json, context: Context) -> Json:
    """Compare a sample of what is cached with what the database would answer now, and repair it.

    A direct write is cached as it was until its invalidation is delivered; so what differs is
    looked at again until it does not, and is a mismatch if it still differs after that.

    Args:
        event: `{patience_seconds?}`: how long that may take.
        context: Of the runtime.

    Returns:
        `{checked, overtaken, mismatches, repaired, named, stopped}`: counts of entries, and
        `{composition_id, user_id, layered?, context?, home?}` of the first mismatches.
    """
    return run(_audit(parts(), event, context))


async def _sweep(its: Parts, event: Json, context: Context) -> Json:
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds_to_work(context)
    look_until = clock.time() + float(event.get("for_seconds", 0))
    metrics = Metrics("sweep")
    lags: list[int] = []

    async def deliver_all() -> None:
        async for delivered in drain(its.cache, its.database):
            lags.extend(delivered)

    while True:
        stopped = await _stopped(end, deliver_all())
        if clock.time() + _LOOK_SECONDS > min(look_until, end):
            break
        await asyncio.sleep(_LOOK_SECONDS)

    for lag in lags:
        metrics.measure("InvalidationLag", lag)
    metrics.flush()
    return _report(
        "sweep",
        delivered=len(lags),
        pending_cleared=stopped is None,
        lag_ms=_percentiles(lags),
        stopped=stopped,
    )


async def _warm(its: Parts, context: Context) -> Json:
    counts = {"recorded": 0, "popular": 0, "warmed": 0}

    async def record_and_load() -> None:
        for usage in _parts(await its.cache.take_usage(), _USAGE_ENTRIES):
            entries = [
                {
                    "composition_id": one.composition_id,
                    "loads": min(one.loads, _USAGE_COUNT),
                    "hits": min(one.hits, _USAGE_COUNT),
                }
                for one in usage
            ]
            answer = await its.database.call_as_service("record_usage", entries=entries)
            counts["recorded"] += answer.json()["recorded"]

        answer = await its.database.call_as_service("popular_compositions", row_limit=_POPULAR)
        ids = [row["composition_id"] for row in answer.json()]
        counts["popular"] = len(ids)
        for some in _parts(ids, _WARMED):
            answer = await its.database.call_as_service("load_for_warming", composition_ids=some)
            for loaded, text in elements(answer.body.decode()):
                body = compress(text.encode())
                if len(body) <= MAX_BODY_BYTES:
                    id = UUID(loaded["composition_id"])
                    counts["warmed"] += await its.cache.warm(id, loaded["etag"], body)

    end = asyncio.get_running_loop().time() + seconds_to_work(context)
    stopped = "no_cache" if its.redis is None else await _stopped(end, record_and_load())
    return _report("warm", **counts, stopped=stopped)


async def _audit(its: Parts, event: Json, context: Context) -> Json:
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds_to_work(context)
    patience = float(event.get("patience_seconds", _PATIENCE_SECONDS))
    metrics = Metrics("audit")
    counts = {"checked": 0, "overtaken": 0, "mismatches": 0, "repaired": 0}
    wrong: list[Entry] = []

    async def compare() -> None:
        sampled = await its.cache.sample(_SAMPLE)
        suspects = await _differing(its, sampled)
        counts["checked"] = len(sampled)
        found = len(suspects)
        patient_until = clock.time() + patience
        patient = True
        while suspects and patient:
            patient = clock.time() < patient_until
            await asyncio.sleep(_RECHECK_SECONDS)
            suspects = await _still_kept(its, await _differing(its, suspects))
        counts["overtaken"] = found - len(suspects)
        counts["mismatches"] = len(suspects)
        wrong.extend(suspects)
        for entry in suspects:
            await its.cache.unlink([entry.composition_id], [entry.user_id])
            counts["repaired"] += 1

    stopped = await _stopped(end, compare())
    metrics.count("AuditChecked", counts["checked"])
    metrics.count("AuditMismatches", counts["mismatches"])
    metrics.flush()
    named = [
        {
            "composition_id": str(entry.composition_id),
            "user_id": str(entry.user_id),
            **_named(entry.name),
        }
        for entry in wrong[:_NAMED]
    ]
    return _report("audit", **counts, named=named, stopped=stopped)


async def _differing(its: Parts, entries: Sequence[Entry]) -> list[Entry]:
    """Those of the entries that the database would answer otherwise now."""
    etags: dict[_Question, str | None] = {}
    asked = {_question(entry) for entry in entries}
    for some in _parts(sorted(asked), _ETAGS):
        answer = await its.database.call_as_service(
            "current_etags",
            entries=[
                {"composition_id": id, "user_id": user_id, **_named(name)}
                for id, user_id, name in some
            ],
        )
        for question, row in zip(some, answer.json(), strict=True):
            etags[question] = row["etag"]
    return [entry for entry in entries if etags[_question(entry)] != entry.etag]


def _question(entry: Entry) -> _Question:
    return str(entry.composition_id), str(entry.user_id), entry.name


def _named(name: str) -> Json:
    """How the database calls an answer that is not the usual one."""
    if (context := context_of(name)) is not None:
        return {"context": context}
    return {"": {}, BARE: {"layered": False}, HOME: {"home": True}}[name]


async def _still_kept(its: Parts, entries: Sequence[Entry]) -> list[Entry]:
    """Those of the entries that the cache would still answer, asked after the database was."""
    return [entry for entry in entries if await its.cache.peek(entry) == entry]


async def _stopped(end: float, work: Coroutine[Any, Any, None]) -> str | None:
    """Do some work until its end, or until it cannot go on.

    Args:
        end: By the clock of the loop, when it has to be over.
        work: What can be broken off anywhere.

    Returns:
        What stopped it, None if nothing did.
    """
    try:
        async with asyncio.timeout_at(end):
            await work
    except TimeoutError:
        return "out_of_time"
    except CacheUnavailable:
        return "cache_unavailable"
    except DatabaseUnavailable:
        return "database_unavailable"
    return None


def _report(job: str, **said: Any) -> Json:
    """What a job returns, and prints: whom a schedule calls nobody listens to."""
    print(json.dumps({"job": job, **said}))
    return said


def _percentiles(lags: Sequence[int]) -> Json | None:
    if not lags:
        return None
    ordered = sorted(lags)
    p50, p95, most = (ordered[math.ceil(part * len(lags)) - 1] for part in (0.5, 0.95, 1))
    return {"p50": p50, "p95": p95, "max": most}


def _parts(whole: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
