"""Loads: from the cache where it knows the answer, from the database where it does not.

A hit is one call to Redis, and what comes back goes out as it is: brotli, made when it was filled
in. A miss is one call to the database, and one more to Redis to fill in. What the database said,
byte for byte, is what everybody gets, from wherever.

A context is one more step: which composition it comes to is kept at the first miss, its answer at
the second, and then a hit is one call as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request

from functions.api.answers import Answer, Timing, wants_brotli
from functions.api.calls import Call
from functions.api.headers import entity_tag, known_etags
from functions.api.services import Services
from functions.core import database
from functions.core.cache import (
    BARE,
    HOME,
    Absent,
    Blocked,
    Bypass,
    ChoiceLease,
    Hit,
    Lease,
    Miss,
    Refused,
    Unchanged,
    Unchosen,
    of_context,
)
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What is loaded.

    Args:
        function: Of the database, that answers it.
        arguments: Of the function, beside the etags that are known.
        composition_id: Which composition it is; None: the database chooses.
        name: Under which the cache keeps the answer; empty: the usual one of the composition.
        refusal: The code of the refusal that says that there is nothing, which is kept as well.
    """

    function: str
    arguments: Mapping[str, Any]
    composition_id: UUID | None = None
    name: str = ""
    refusal: str = "composition_not_found"


def composition(composition_id: UUID, *, layered: bool = True) -> Asked:
    """A composition as the caller sees it, or without anybody's layers."""
    if layered:
        arguments: dict[str, Any] = {"composition_id": composition_id}
        return Asked("load_composition", arguments, composition_id)
    arguments = {"composition_id": composition_id, "layered": False}
    return Asked("load_composition", arguments, composition_id, BARE)


def context(text: str) -> Asked:
    """Whichever composition is pinned in a context."""
    name = of_context(text)
    return Asked("resolve_context", {"context": text}, None, name, "nothing_pinned")


# Whatever the context `home` comes to, with what else a first page needs.
home = Asked("load_home", {}, None, HOME)


@dataclass(frozen=True, slots=True)
class _Asking:
    """What the database answered.

    Args:
        load: It.
        composition_id: That is shown; None: none.
        access_until: When the right to it may end, in milliseconds since 1970; None: it does not.
        skipped: Whether something was passed over that the caller may not see now.
    """

    load: Load
    composition_id: UUID | None
    access_until: int | None
    skipped: bool


async def load(call: Call, asked: Asked) -> Load | Answer:
    """Load what the caller asks for.

    Args:
        call: Of the caller; its `If-None-Match` says what the client has.
        asked: What.

    Returns:
        The load, or the answer instead of one: that the database refused, now or when the cache
        was told so, or that the cache does not know and the database gives no answer.
    """
    known = known_etags(call.request.headers.get("if-none-match"))
    found = await _look(call, asked, known[0] if known else None)
    call.timing.lap("cache")
    if type(found) is Hit:
        # Of several that the client has, the cache was told of one.
        return _cached(found, None if found.etag in known else found.body)
    if type(found) is Unchanged:
        return _cached(found, None)
    if type(found) is Absent:
        return _nothing(asked, found.meta, known)
    if type(found) is Miss:
        return await _load_and_fill(call, asked, known, found)
    if type(found) is Unchosen:
        return await _load_and_choose(call, asked, known, found.lease)
    return (await _ask(call, asked, known)).load


async def _look(
    call: Call, asked: Asked, known: str | None
) -> Hit | Unchanged | Absent | Miss | Unchosen | Blocked | Bypass:
    cache, caller = call.services.cache, call.caller
    if asked.composition_id is None:
        return await cache.resolve(asked.name, caller, known)
    return await cache.read(asked.composition_id, caller, known, asked.name)


def _nothing(asked: Asked, kept: bytes, known: list[str]) -> Load | Answer:
    """What there is where nothing is: of a home page, all else that it has."""
    if asked.name == HOME:
        return _loaded("hit", kept, json.loads(kept), known)
    # As the database refuses, header by header: from which of the two it comes would tell who may
    # not see a composition that there is one, and when somebody has changed it. No refusal is
    # counted: who asks for nothing again and again makes no hit rate.
    return Answer(404, kept)


async def _load_and_choose(call: Call, asked: Asked, known: list[str], lease: ChoiceLease) -> Load:
    """Load what the database chooses, and keep the choice, unless something was passed over."""
    cache = call.services.cache
    try:
        answered = await _ask(call, asked, known)
    except DatabaseProblem as problem:
        if problem.code == asked.refusal and not problem.facts.get("skipped"):
            await cache.choose_nothing(lease, database.encode(problem.body()))
        raise
    loaded = answered.load
    if answered.skipped:
        return loaded
    loaded.source = "miss"
    if answered.composition_id is not None:
        await cache.choose(lease, answered.composition_id)
    elif loaded.text is not None:
        await cache.choose_nothing(lease, loaded.text)
    call.timing.lap("fill")
    return loaded


async def _load_and_fill(call: Call, asked: Asked, known: list[str], miss: Miss) -> Load:
    cache, lease, held = call.services.cache, miss.lease, miss.held_etags
    try:
        answered = await _ask(call, asked, [*known, *held])
    except DatabaseProblem as problem:
        if asked.composition_id is None:
            await cache.forget_choice(miss.choice)
        elif problem.code == asked.refusal:
            await cache.fill_absent(lease, database.encode(problem.body()))
        raise
    loaded = answered.load
    if answered.skipped or answered.composition_id != lease.composition_id:
        await cache.forget_choice(miss.choice)
        filled = None
    else:
        loaded.source = "miss"
        if loaded.text is not None:
            loaded.brotli = compress(loaded.text)
        elif loaded.etag not in held:
            return loaded  # the client has it, and nobody else
        filled = await _fill(call, lease, answered)
    if loaded.text is None and loaded.etag not in known:
        loaded.brotli = filled
        if loaded.brotli is None:
            # It was held a moment ago. Nothing is left but to ask again, for all of it.
            loaded = (await _ask(call, asked, [])).load
    return loaded


async def _fill(call: Call, lease: Lease, answered: _Asking) -> bytes | None:
    """Keep what the database answered; the body comes back if it was held and is not sent."""
    loaded = answered.load
    filled = await call.services.cache.fill(
        lease, loaded.etag, loaded.meta(), loaded.brotli, answered.access_until
    )
    call.timing.lap("fill")
    if type(filled) is Refused:
        call.metrics.count("FillRefusals")
    return filled.body


async def _ask(call: Call, asked: Asked, known: list[str]) -> _Asking:
    """Load from the database, without the document where the etag is one of those known."""
    answer = await call.ask(asked.function, **asked.arguments, known_etags=known)
    found: dict[str, Any] = answer.json()
    access_until = answer.headers.get("access-until")
    shown = found["home"] if asked.name == HOME else found
    return _Asking(
        _loaded("bypass", answer.body, found, ()),
        None if shown is None else UUID(shown["composition_id"]),
        None if access_until is None else int(access_until),
        "candidates-skipped" in answer.headers,
    )


def _loaded(source: str, body: bytes, found: Mapping[str, Any], known: Sequence[str]) -> Load:
    """A load of the text that the database answered."""
    is_known = found.get("unchanged") or found["etag"] in known
    text = None if is_known else body
    return Load(source, str(found["version"]), found["etag"], len(body), text=text)


async def answer_load(
    call: Call, asked: Asked, cut: Callable[[str], bytes] | None = None
) -> Answer:
    """Load, answer, and say in the metrics what became of it.

    Args:
        call: Of the caller.
        asked: What is loaded.
        cut: What makes the part that is asked for of its text; None: all of it is.
    """
    loaded = await load(call, asked)
    if not isinstance(loaded, Load):
        return loaded
    part = cut(loaded.whole().decode()) if cut is not None and not loaded.known else None
    answered = answer(call.request, call.timing, loaded, part)
    count(call, loaded, answered)
    return answered


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
    known = known_etags(request.headers.get("if-none-match"))
    return answer(request, timing, _loaded("bypass", opened.body, found, known))


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
