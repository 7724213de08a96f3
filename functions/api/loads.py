"""Loads: from the cache where it knows the answer, from the database where it does not.

A hit is one call to Redis, and what comes back goes out as it is: brotli, made when it was filled
in. A miss is one call to the database, and one more to Redis to fill in. What the database said,
byte for byte, is what everybody gets, from wherever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request

from functions.api.answers import Answer, Timing, wants_brotli
from functions.api.calls import Call
from functions.api.headers import entity_tag, known_etags
from functions.api.services import Services
from functions.core import database
from functions.core.cache import Absent, Hit, Miss, Refused, Unchanged
from functions.core.compression import compress, decompress
from functions.core.problems import DatabaseProblem


@dataclass(slots=True)
class Load:
    """What a load came to.

    Args:
        source: For `X-Cache`: hit, miss or bypass.
        version: The version that was loaded.
        etag: Of the answer.
        size: Bytes of its text.
        text: It; None: only as brotli, or not at all, since the client has it.
        brotli: It, compressed; None: only as text, or not at all.
    """

    source: str
    version: str
    etag: str
    size: int
    text: bytes | None = None
    brotli: bytes | None = None

    @property
    def known(self) -> bool:
        """Whether the client has it."""
        return self.text is None and self.brotli is None

    def whole(self) -> bytes:
        """Its text."""
        if self.text is None:
            self.text = decompress(self.brotli or b"")
        return self.text

    def meta(self) -> bytes:
        """What the cache keeps beside it."""
        return f"{self.version} {self.size}".encode()


def _cached(found: Hit | Unchanged, body: bytes | None) -> Load:
    version, size = found.meta.decode().split()
    return Load("hit", version, found.etag, int(size), brotli=body)


async def load(call: Call, composition_id: UUID) -> Load | Answer:
    """Load a composition for the caller.

    Args:
        call: Of the caller; its `If-None-Match` says what the client has.
        composition_id: Which.

    Returns:
        The load, or the answer instead of one: that the database refused, now or when the cache
        was told so, or that the cache does not know and the database gives no answer.
    """
    known = known_etags(call.request.headers.get("if-none-match"))
    found = await call.services.cache.read(composition_id, call.caller, known[0] if known else None)
    call.timing.lap("cache")
    if type(found) is Hit:
        # Of several that the client has, the cache was told of one.
        return _cached(found, None if found.etag in known else found.body)
    if type(found) is Unchanged:
        return _cached(found, None)
    if type(found) is Absent:
        # As the database refuses, header by header: from which of the two it comes would tell who
        # may not see a composition that there is one, and when somebody has changed it. No refusal
        # is counted: who asks for nothing again and again makes no hit rate.
        return Answer(404, found.meta)
    if type(found) is Miss:
        return await _load_and_fill(call, composition_id, known, found)
    loaded, _ = await _ask(call, composition_id, known)
    return loaded


async def _load_and_fill(call: Call, composition_id: UUID, known: list[str], miss: Miss) -> Load:
    cache, held = call.services.cache, miss.held_etags
    try:
        loaded, access_until = await _ask(call, composition_id, [*known, *held])
    except DatabaseProblem as problem:
        if problem.code == "composition_not_found":
            await cache.fill_absent(miss.lease, database.encode(problem.body()))
        raise
    loaded.source = "miss"
    if loaded.text is not None:
        loaded.brotli = compress(loaded.text)
    elif loaded.etag not in held:
        return loaded  # the client has it, and nobody else
    filled = await cache.fill(miss.lease, loaded.etag, loaded.meta(), loaded.brotli, access_until)
    call.timing.lap("fill")
    if type(filled) is Refused:
        call.metrics.count("FillRefusals")
    if loaded.text is None and loaded.etag not in known:
        loaded.brotli = filled.body
        if loaded.brotli is None:
            # It was held a moment ago. Nothing is left but to ask again, for all of it.
            loaded, _ = await _ask(call, composition_id, [])
    return loaded


async def _ask(call: Call, composition_id: UUID, known: list[str]) -> tuple[Load, int | None]:
    """Load from the database, without the document where the etag is one of those known.

    Returns:
        The load, and when the right to it may end, in milliseconds since 1970.
    """
    answer = await call.ask("load_composition", composition_id=composition_id, known_etags=known)
    loaded: dict[str, Any] = answer.json()
    access_until = answer.headers.get("access-until")
    text = None if loaded.get("unchanged") else answer.body
    return (
        Load("bypass", str(loaded["version"]), loaded["etag"], len(answer.body), text=text),
        None if access_until is None else int(access_until),
    )


async def open_link(request: Request, token: str) -> Answer:
    """Open a link. It is for anybody, and rare: nothing of it is cached.

    Raises:
        DatabaseProblem: The database refused.
        DatabaseUnavailable: It gave no answer.
    """
    timing = Timing()
    services: Services = request.app.state.services
    opened = await services.database.read("open_share_link", None, token=token)
    timing.lap("db")
    found = opened.json()
    known = found["etag"] in known_etags(request.headers.get("if-none-match"))
    text = None if known else opened.body
    loaded = Load("bypass", str(found["version"]), found["etag"], len(opened.body), text=text)
    return answer(request, timing, loaded)


def answer(request: Request, timing: Timing, loaded: Load, cut: bytes | None = None) -> Answer:
    """The answer to a load.

    Args:
        request: What asked for it.
        timing: Of the request.
        loaded: What was loaded.
        cut: What of it was asked for; None: all of it.
    """
    brotli = wants_brotli(request)
    headers = {
        "etag": entity_tag(loaded.version, loaded.etag, brotli=brotli),
        "x-cache": loaded.source,
        "server-timing": str(timing),
    }
    if loaded.known:
        return Answer(304, b"", headers)
    if not brotli:
        return Answer(200, loaded.whole() if cut is None else cut, headers)
    headers["content-encoding"] = "br"
    if cut is not None:
        return Answer(200, compress(cut), headers)
    return Answer(200, loaded.brotli or compress(loaded.whole()), headers)


_METRICS = {"hit": "CacheHits", "miss": "CacheMisses", "bypass": "CacheBypasses"}


def count(call: Call, loaded: Load, answer: Answer) -> None:
    """Say in the metrics what became of a load."""
    metrics = call.metrics
    unchanged = answer.status_code == 304 and loaded.source == "hit"
    metrics.count("CacheUnchanged" if unchanged else _METRICS[loaded.source])
    metrics.count("BytesSaved", max(0, loaded.size - len(answer.body)))
    metrics.measure("LoadLatency", call.timing.milliseconds())
    metrics.flush()
