"""People who read, and check what they are shown."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from tests.consistency.referee import Calm
from tests.consistency.world import ME, TRASHED, Page, Person, Shown, Span, State, World

# What an answer that shows nothing says, by its status and its code.
_NOTHING = {
    (HTTPStatus.GONE, "composition_trashed"): TRASHED,
    (HTTPStatus.NOT_FOUND, "composition_not_found"): None,
    (HTTPStatus.NOT_FOUND, "nothing_pinned"): None,
}


@dataclass(frozen=True)
class Violation:
    """A read that showed what it must not."""

    kind: str
    person: str
    page: Page
    started: float
    found: str
    allowed: str
    cache: str


@dataclass
class Tally:
    """What has happened so far."""

    reads: int = 0
    by_cache: Counter[str] = field(default_factory=Counter)
    by_page: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def summary(self) -> str:
        """All of it on a few lines."""
        ordered = sorted(self.latencies)
        p50, p95 = (ordered[len(ordered) * percent // 100] for percent in (50, 95))
        return "\n".join(
            (
                f"{self.reads} reads checked, {len(self.violations)} times something was wrong",
                f"by X-Cache: {dict(self.by_cache)}",
                f"by page: {dict(sorted(self.by_page.items()))}",
                f"by status: {dict(self.by_status)}",
                f"changes: {dict(sorted(self.changes.items()))}",
                f"p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms",
                *(str(violation) for violation in self.violations[:10]),
            )
        )


class Readers:
    """Everybody, reading.

    Args:
        world: What they may find.
        functions: Where they read.
        chance: Decides who reads what.
    """

    def __init__(self, world: World, functions: httpx.AsyncClient, chance: random.Random) -> None:
        self.tally = Tally()
        self.calm = Calm()
        self.watchers = 0  # how many look at each change
        self.stamps: dict[str, str] = {}  # in the document, by content hash
        self._world = world
        self._functions = functions
        self._random = chance
        self._last: tuple[Person | None, Page | None] = (None, None)

    async def read(self, person: Person | None = None, page: Page | None = None) -> None:
        """Somebody, or this person, reads something, or this page, and checks it."""
        if page is None and self._random.random() < 0.5:
            person, page = self._last
        person = person or self._random.choice(self._world.people)
        page = page or self._random.choice(self._world.pages())
        self._last = person, page
        known = person.known.get(page) if self._random.random() < 0.4 else None
        headers = dict(person.headers)
        if known:
            headers["If-None-Match"] = known.etag
        if self._random.random() < 0.2:
            headers["Accept-Encoding"] = "identity"
        started = time.monotonic()
        try:
            answer = await self._functions.get(page.path, headers=headers)
        except httpx.TransportError:
            self.tally.by_status[0] += 1
            return
        span = Span(started, time.monotonic(), self.calm)
        self.tally.latencies.append(span.ended - started)
        self.tally.by_status[answer.status_code] += 1
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        cache = answer.headers.get("X-Cache", "-")
        self.tally.reads += 1
        self.tally.by_cache[cache] += 1
        self.tally.by_page[f"{page.kind} {cache}"] += 1
        state = self._state(page, answer, known)
        if state.etag:
            person.known[page] = state
        self.tally.violations += [
            Violation(
                *(wrong.kind, person.name, page, started),
                *(str(wrong.found), str(wrong.allowed), cache),
            )
            for wrong in self._world.wrong(person, page, state, span)
        ]

    @contextlib.asynccontextmanager
    async def watching(self, seen: Sequence[tuple[Person | None, Page]]) -> AsyncIterator[None]:
        """Have some of what a change is about to touch read before it, and again once it is done.

        The first may be under way when it comes, and answered before it or after it: what they fill
        in is what the others find.
        """
        watched = self._random.choices(seen, k=self.watchers)
        before = [asyncio.create_task(self.read(*one)) for one in watched]
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.uniform(0, 0.02))
        else:
            await asyncio.gather(*before)
        try:
            yield
            await asyncio.gather(*(self.read(*one) for one in watched))
        finally:
            await asyncio.gather(*before)

    def _state(self, page: Page, answer: httpx.Response, known: State | None) -> State:
        """What an answer shows."""
        if answer.status_code == HTTPStatus.NOT_MODIFIED:
            assert known, "not modified, and nothing was known"
            return known
        said = answer.json()
        if answer.status_code != HTTPStatus.OK:
            assert (answer.status_code, said["error"]) in _NOTHING, answer.text
            return State("", _NOTHING[HTTPStatus(answer.status_code), said["error"]])
        etag = answer.headers["ETag"]
        if page.kind != "home":
            return State(etag, self._shown(said))
        return State(
            etag,
            self._shown(said["home"]) if said["home"] else None,
            frozenset(
                (pin["context"], pin.get("organization_id") or ME) for pin in said["contexts"]
            ),
            frozenset(organization["organization_id"] for organization in said["organizations"]),
        )

    def _shown(self, loaded: dict[str, Any]) -> Shown:
        """A composition; that its parts agree with each other is looked at here."""
        body = dict(loaded["document"]["body"])
        stamp = body.pop("stamp")
        assert self.stamps.setdefault(loaded["content_hash"], stamp) == stamp, loaded
        body.pop("filler", None)
        layers = loaded.get("layers", [])
        assert [layer["state"] for layer in layers] == ["applied"] * len(body), loaded
        own = [layer["scope"] for layer in layers if layer["scope"] == "me"]
        organizations = {layer["organization_id"] for layer in layers if layer["scope"] != "me"}
        assert organizations <= body.keys() and len(own) == len(body.keys() - organizations), loaded
        reason = loaded.get("reason")
        pinned_by = reason and reason.get("organization_id", ME)
        return Shown(
            *(loaded["composition_id"], loaded["role"], loaded["updated_at"]),
            *(frozenset(body.items()), pinned_by),
        )
