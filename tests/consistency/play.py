"""Readers, writers, sharers and revokers, who act at random and check what they read."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import jwt
import psycopg

from devstack.stack import Addresses
from tests.consistency.referee import Calm, Change, Fact
from tests.consistency.world import TRASHED, Organization, Person, Piece, State
from tests.samples import SMALLEST

NAMES = ("ann", "ben", "cleo", "dan", "eve", "finn")
PIECES = 6

# After these nobody knows what became of a write: the worker died, or an answer was lost.
UNKNOWN = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}

_SHORT_SHARE_SECONDS = 2.0
_WATCHERS = 3
_TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class Violation:
    """A read that showed what it must not."""

    kind: str
    person: str
    composition_id: str
    started: float
    found: str
    allowed: str
    cache: str


@dataclass
class Tally:
    """What has happened so far."""

    reads: int = 0
    by_cache: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def summary(self) -> str:
        """All of it on a few lines."""
        ordered = sorted(self.latencies)
        p50, p95 = (ordered[len(ordered) * percent // 100] for percent in (50, 95))
        return "\n".join(
            (
                f"{self.reads} reads checked, {len(self.violations)} of them wrong",
                f"by X-Cache: {dict(self.by_cache)}",
                f"by status: {dict(self.by_status)}",
                f"changes: {dict(self.writes)}",
                f"p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms",
                *(str(violation) for violation in self.violations[:10]),
            )
        )


class Play:
    """Everybody's acts on one stack.

    Args:
        addresses: Of a running stack.
        database: As the role `postgres`: makes the people and knows what became of a lost write.
        seed: Decides who does what; when, the machine decides.
    """

    def __init__(
        self,
        addresses: Addresses,
        database: psycopg.AsyncConnection[Any],
        seed: int,
    ) -> None:
        self.tally = Tally()
        self.calm = Calm()
        self.people: list[Person] = []
        self.pieces: list[Piece] = []
        self._addresses = addresses
        self._database = database
        self._random = random.Random(seed)
        self._begun = time.monotonic()
        self._contents: dict[str, str] = {}  # the stamp in the document, by content hash
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self._functions = httpx.AsyncClient(
            base_url=addresses["functions_url"], timeout=30, limits=limits
        )
        self._direct = httpx.AsyncClient(
            base_url=addresses["supabase_url"] + "/rest/v1", timeout=30, limits=limits
        )

    @property
    def seconds(self) -> float:
        """For how long everybody has been acting."""
        return time.monotonic() - self._begun

    async def close(self) -> None:
        """Leave no connection behind."""
        await self._functions.aclose()
        await self._direct.aclose()

    async def set_up(self) -> None:
        """Make people, two organisations, and compositions of theirs."""
        for name in NAMES:
            self.people.append(await self._sign_up(name))
        organizations = [await self._found(owner) for owner in self.people[:2]]
        for number in range(PIECES):
            # The first of them belong to the organisations, whose owners make them.
            organization = organizations[number % 2] if number < PIECES // 2 else None
            owner = organization.owner if organization else self.people[number % len(NAMES)]
            self.pieces.append(await self._make(owner, organization))
        self._begun = time.monotonic()

    # ----- reading

    async def read_once(self, piece: Piece | None = None) -> None:
        """Somebody loads something, and checks it."""
        person, piece = self._random.choice(self.people), piece or self._random.choice(self.pieces)
        known = person.known.get(piece.id) if self._random.random() < 0.4 else None
        headers = dict(person.headers)
        if known:
            headers["If-None-Match"] = known.etag
        if self._random.random() < 0.2:
            headers["Accept-Encoding"] = "identity"
        started = time.monotonic()
        try:
            answer = await self._functions.get(f"/v1/compositions/{piece.id}", headers=headers)
        except httpx.TransportError:
            self.tally.by_status[0] += 1
            return
        ended = time.monotonic()
        self.tally.latencies.append(ended - started)
        self.tally.by_status[answer.status_code] += 1
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        self.tally.reads += 1
        self.tally.by_cache[answer.headers.get("X-Cache", "-")] += 1
        self._check(person, piece, answer, known, started, ended)

    def _check(
        self,
        person: Person,
        piece: Piece,
        answer: httpx.Response,
        known: State | None,
        started: float,
        ended: float,
    ) -> None:
        state: State | None = None
        found: str | None
        if answer.status_code == HTTPStatus.OK:
            loaded = answer.json()
            assert loaded["composition_id"] == piece.id, loaded
            self._check_content(loaded)
            state = State(answer.headers["ETag"], loaded["role"], loaded["updated_at"])
            person.known[piece.id] = state
        elif answer.status_code == HTTPStatus.NOT_MODIFIED:
            state = known
            assert state, "not modified, and nothing was known"
        if state:
            found = state.role
        elif answer.status_code == HTTPStatus.GONE:
            found = TRASHED
        else:
            assert answer.status_code == HTTPStatus.NOT_FOUND, answer.text
            found = None

        def note(kind: str, shown: Any, allowed: Any) -> None:
            cache = answer.headers.get("X-Cache", "-")
            self.tally.violations.append(
                Violation(kind, person.name, piece.id, started, str(shown), str(allowed), cache)
            )

        allowed = piece.outcomes(person, started, ended, self.calm)
        if found not in allowed:
            note("access", found, allowed)
        required = piece.floor.required(started, self.calm)
        if state and state.updated_at < required:
            note("stale", state.updated_at, required)

    def _check_content(self, loaded: dict[str, Any]) -> None:
        stamp = loaded["document"]["body"]["stamp"]
        assert self._contents.setdefault(loaded["content_hash"], stamp) == stamp

    @contextlib.asynccontextmanager
    async def _watched(self, pieces: Sequence[Piece]) -> AsyncIterator[None]:
        """Have some of those read that a change is about to touch, and others once it is done.

        The first may be answered before it or after it; what they fill in is what the others find.
        """
        piece = self._random.choice(pieces)
        before = [asyncio.create_task(self.read_once(piece)) for _ in range(_WATCHERS)]
        await asyncio.sleep(self._random.uniform(0, 0.02))
        try:
            yield
            await asyncio.gather(*(self.read_once(piece) for _ in range(_WATCHERS)))
        finally:
            await asyncio.gather(*before)

    # ----- changing

    async def save(self, *, direct: bool) -> None:
        """An owner, or who was once an editor, saves a new version of what they see."""
        piece = self._random.choice(self.pieces)
        person = self._random.choice([piece.owner, piece.owner, *self.people])
        head = await self._functions.get(f"/v1/compositions/{piece.id}", headers=person.headers)
        if head.status_code != HTTPStatus.OK:
            return
        document = SMALLEST | {"body": {"stamp": str(uuid.uuid4()), "filler": "words " * 200}}
        version = head.json()["version"]
        if direct:
            await self._write(piece, direct, person, "save_version", None, {
                "composition_id": piece.id, "base_version": version, "document": document,
            })  # fmt: skip
        else:
            headers = person.headers | {"If-Match": f'"{version}"'}
            await self._write(piece, direct, person, "PUT", headers, {"document": document})

    async def rename(self, *, direct: bool) -> None:
        """An owner gives a composition a new title."""
        piece = self._random.choice(self.pieces)
        title = f"Title {uuid.uuid4()}"
        if direct:
            await self._write(piece, direct, piece.owner, "update_metadata", None, {
                "composition_id": piece.id, "title": title,
            })  # fmt: skip
        else:
            await self._write(
                piece, direct, piece.owner, "PATCH", None, {"title": title}, "/metadata"
            )

    async def _write(
        self,
        piece: Piece,
        direct: bool,
        person: Person,
        how: str,
        headers: dict[str, str] | None,
        body: dict[str, Any],
        below: str = "",
    ) -> None:
        """Change the content or the title; `how` is a function, or a method."""
        path = f"/v1/compositions/{piece.id}{below}"
        async with self._watched([piece]):
            if direct:
                answer = await self._ask_database(person, how, body)
            else:
                answer = await self._ask_functions(how, path, headers or person.headers, body)
            if answer is not None and answer.is_success:
                settled = not direct and answer.status_code != HTTPStatus.ACCEPTED
                piece.floor.note(answer.json()["updated_at"], time.monotonic(), settled)

    async def share(self, *, direct: bool) -> None:
        """An owner shares with somebody, for good or for some seconds, or takes it back."""
        piece = self._random.choice(self.pieces)
        others = [person for person in self.people if person is not piece.owner]
        person = self._random.choice(others)
        async with self._alone(piece.shares[person.id]) as fact:
            if fact is None:
                return
            value: Any = self._random.choice([None, "viewer", "editor"])
            until, expires_at = float("inf"), None
            if value and self._random.random() < 0.25:
                until = time.monotonic() + _SHORT_SHARE_SECONDS
                expires_at = (
                    datetime.now(UTC) + timedelta(seconds=_SHORT_SHARE_SECONDS)
                ).isoformat()
            path = f"/v1/compositions/{piece.id}/shares/{person.id}"
            arguments = {"composition_id": piece.id, "user_id": person.id}

            async def send() -> httpx.Response | None:
                owner = piece.owner
                if direct and value:
                    share = {"role": value, "expires_at": expires_at}
                    return await self._ask_database(owner, "share_composition", arguments | share)
                if direct:
                    return await self._ask_database(owner, "unshare_composition", arguments)
                if value:
                    grant = {"role": value, "grantee": "user"}
                    if expires_at:
                        grant["expires_at"] = expires_at
                    return await self._ask_functions("PUT", path, owner.headers, grant)
                return await self._ask_functions(
                    "DELETE", path, owner.headers, params={"grantee": "user"}
                )

            async def truth() -> Any:
                row = await self._row(
                    "select role from public.shared_compositions"
                    " where composition_id = %s and user_id = %s and link_id is null"
                    " and (expires_at is null or expires_at > now())",
                    piece.id,
                    person.id,
                )
                return row[0] if row else None

            await self._change(fact, value, [piece], send, truth, direct=direct, until=until)

    async def join_or_leave(self, *, direct: bool) -> None:
        """An owner of an organisation adds somebody or removes them."""
        organization = self._random.choice(
            [piece.organization for piece in self.pieces if piece.organization]
        )
        person = self._random.choice([p for p in self.people if p is not organization.owner])
        async with self._alone(organization.members[person.id]) as fact:
            if fact is None:
                return
            joins = fact.values != frozenset([True])
            path = f"/v1/organizations/{organization.id}/members/{person.id}"
            arguments = {"organization_id": organization.id, "user_id": person.id}

            async def send() -> httpx.Response | None:
                owner = organization.owner
                if direct and joins:
                    role = {"role": "member"}
                    return await self._ask_database(
                        owner, "add_organization_member", arguments | role
                    )
                if direct:
                    return await self._ask_database(owner, "remove_organization_member", arguments)
                if joins:
                    return await self._ask_functions("PUT", path, owner.headers, {"role": "member"})
                return await self._ask_functions("DELETE", path, person.headers)

            async def truth() -> Any:
                row = await self._row(
                    "select from public.organization_members"
                    " where organization_id = %s and user_id = %s",
                    organization.id,
                    person.id,
                )
                return row is not None

            theirs = [piece for piece in self.pieces if piece.organization is organization]
            await self._change(fact, joins, theirs, send, truth, direct=direct)

    async def trash(self, *, direct: bool) -> None:
        """An owner puts a composition into the trash, and after a while takes it out."""
        piece = self._random.choice(self.pieces)
        async with self._alone(piece.trash) as fact:
            if fact is None:
                return
            await self._move(fact, piece, goes=True, direct=direct)
            while True in fact.values:
                await asyncio.sleep(self._random.uniform(0, 0.5))
                await self._move(fact, piece, goes=False, direct=direct)

    async def _move(self, fact: Fact, piece: Piece, *, goes: bool, direct: bool) -> None:
        path, owner = f"/v1/compositions/{piece.id}", piece.owner

        async def send() -> httpx.Response | None:
            if direct:
                name = "delete_composition" if goes else "undelete_composition"
                return await self._ask_database(owner, name, {"composition_id": piece.id})
            if not goes:
                return await self._ask_functions("POST", path + "/undelete", owner.headers)
            head = await self._row(
                "select current_version from public.user_compositions where id = %s", piece.id
            )
            headers = owner.headers | {"If-Match": f'"{head[0]}"'}
            return await self._ask_functions("DELETE", path, headers)

        async def truth() -> Any:
            row = await self._row(
                "select deleted_at from public.user_compositions where id = %s", piece.id
            )
            return row[0] is not None

        await self._change(fact, goes, [piece], send, truth, direct=direct)

    @contextlib.asynccontextmanager
    async def _alone(self, fact: Fact) -> AsyncIterator[Fact | None]:
        """The fact, or nothing if somebody is changing it."""
        if fact.busy:
            yield None
            return
        fact.busy = True
        try:
            yield fact
        finally:
            fact.busy = False

    async def _change(
        self,
        fact: Fact,
        value: Any,
        seen_in: Sequence[Piece],
        send: Callable[[], Awaitable[httpx.Response | None]],
        truth: Callable[[], Awaitable[Any]],
        *,
        direct: bool,
        until: float = float("inf"),
    ) -> None:
        async with self._watched(seen_in):
            change: Change = fact.begin(value, time.monotonic(), until)
            answer = await send()
            if answer is None or answer.status_code in UNKNOWN:
                # What was lost may still be at work: longer than a statement may last.
                await asyncio.sleep(1)
                change.values = frozenset([await truth()])
            elif answer.is_success:
                change.settled = not direct and answer.status_code != HTTPStatus.ACCEPTED
            else:
                fact.forget(change)
            change.ended = time.monotonic()

    async def _ask_functions(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx.Response | None:
        try:
            answer = await self._functions.request(
                method, path, headers=headers, json=body, params=params
            )
        except httpx.TransportError:
            self.tally.writes["functions lost"] += 1
            return None
        self.tally.writes[f"functions {answer.status_code}"] += 1
        return answer

    async def _ask_database(
        self, person: Person, function: str, arguments: dict[str, Any]
    ) -> httpx.Response | None:
        answer = await self._direct.post(f"/rpc/{function}", headers=person.headers, json=arguments)
        self.tally.writes[f"direct {answer.status_code}"] += 1
        return answer

    # ----- the end

    async def check_against_database(self) -> None:
        """Everybody reads everything once more: it must be what the database says."""
        for person in self.people:
            for piece in self.pieces:
                by_functions = await self._functions.get(
                    f"/v1/compositions/{piece.id}", headers=person.headers
                )
                by_database = await self._ask_database(
                    person, "load_composition", {"composition_id": piece.id}
                )
                assert by_database is not None
                assert by_functions.status_code == by_database.status_code
                if by_database.is_success:
                    assert by_functions.json() == by_database.json()
        stamps = await self._rows(
            "select encode(content_hash, 'hex'), document #>> '{body,stamp}'"
            " from public.compositions where document -> 'body' ? 'stamp'"
        )
        known = dict(stamps)
        for content_hash, stamp in self._contents.items():
            assert known[content_hash] == stamp

    # ----- making

    async def _sign_up(self, name: str) -> Person:
        user_id = str(uuid.uuid4())
        await self._database.execute(
            "insert into auth.users (id, email) values (%s, %s)",
            (user_id, f"{name}-{user_id}@example.com"),
        )
        claims = {
            "sub": user_id,
            "aud": "authenticated",
            "role": "authenticated",
            "exp": int(time.time()) + _TOKEN_SECONDS,
        }
        token = jwt.encode(claims, self._addresses["jwt_secret"], algorithm="HS256")
        headers = {"Authorization": f"Bearer {token}", "apikey": self._addresses["anon_key"]}
        return Person(name, user_id, headers)

    async def _found(self, owner: Person) -> Organization:
        made = await self._ask_database(owner, "create_organization", {"name": owner.name})
        assert made is not None and made.is_success, made
        others = [person for person in self.people if person is not owner]
        facts = {person.id: Fact(False) for person in others} | {owner.id: Fact(True)}
        return Organization(made.json()["organization_id"], owner, facts)

    async def _make(self, owner: Person, organization: Organization | None) -> Piece:
        document = SMALLEST | {"body": {"stamp": str(uuid.uuid4())}}
        arguments = {"title": "A composition", "document": document}
        if organization:
            arguments["organization_id"] = organization.id
        made = await self._ask_database(owner, "create_composition", arguments)
        assert made is not None and made.is_success, made
        facts = {person.id: Fact(None) for person in self.people}
        return Piece(made.json()["composition_id"], owner, organization, facts)

    async def _row(self, query: str, *arguments: str) -> Any:
        return next(iter(await self._rows(query, *arguments)), None)

    async def _rows(self, query: str, *arguments: str) -> list[Any]:
        cursor = await self._database.execute(query.encode(), arguments)
        return await cursor.fetchall()
