"""People who change things, by the functions or past them, while everybody reads."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import jwt
import psycopg

from devstack.stack import Addresses
from tests.consistency.readers import Readers
from tests.consistency.referee import Calm, Change, Fact
from tests.consistency.world import (
    CONTEXTS,
    HOME,
    Membership,
    Organization,
    Page,
    Party,
    Person,
    Piece,
    World,
)
from tests.samples import SMALLEST

NAMES = ("ann", "ben", "cleo", "dan", "eve", "finn")
PIECES = 6

# After these nobody knows what became of a write: the worker died, or an answer was lost.
UNKNOWN = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}

_SHORT_SHARE_SECONDS = 2.0
_TOKEN_SECONDS = 3600

# Who reads what; None: anybody.
Places = list[tuple[Person | None, Page]]


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
        self._addresses = addresses
        self._database = database
        self._random = random.Random(seed)
        self._begun: float | None = None
        self._world = World()
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self._functions = httpx.AsyncClient(
            base_url=addresses["functions_url"], timeout=30, limits=limits
        )
        self._direct = httpx.AsyncClient(
            base_url=addresses["supabase_url"] + "/rest/v1", timeout=30, limits=limits
        )
        self.readers = Readers(self._world, self._functions, self._random)
        self.tally = self.readers.tally

    @property
    def seconds(self) -> float:
        """For how long everybody has been acting."""
        return time.monotonic() - self._begun if self._begun else 0

    def calm_down(self) -> None:
        """Note that the last fault has ended."""
        self.readers.calm = Calm(time.monotonic())

    async def close(self) -> None:
        """Leave no connection behind."""
        await self._functions.aclose()
        await self._direct.aclose()

    async def set_up(self) -> None:
        """Make people, two organisations, compositions of theirs, and some of all that is on them.

        So that there is something to be seen, and to be ended.
        """
        world = self._world
        for name in NAMES:
            world.people.append(await self._sign_up(name))
        for owner in world.people[:2]:
            world.organizations.append(await self._found(owner))
        for number in range(PIECES):
            # The first of them belong to the organisations, whose owners make them.
            organization = world.organizations[number % 2] if number < PIECES // 2 else None
            owner = organization.owner if organization else world.people[number % len(NAMES)]
            world.pieces.append(await self._make(owner, organization))
        for act in [self.share, self.share_with_all, self.join_or_leave] * (2 * PIECES):
            await act(direct=True)
        for act in [self.layer, self.common_layer, self.pin, self.default] * PIECES:
            await act(direct=True)
        self.readers.watchers = 3
        self._begun = time.monotonic()

    async def change(self, *, direct: bool) -> None:
        """Somebody changes something."""
        change = self._random.choice(
            [
                *(self.save, self.save, self.rename),
                *(self.share, self.share, self.share_with_all, self.join_or_leave),
                *(self.layer, self.common_layer, self.pin, self.pin, self.default),
            ]
        )
        await change(direct=direct)

    # ----- content

    async def save(self, *, direct: bool) -> None:
        """An owner, or who was once an editor, saves a new version of what they see."""
        piece = self._random.choice(self._world.pieces)
        person = self._random.choice([piece.owner, piece.owner, *self._world.people])
        version = await self._head(piece)
        document = SMALLEST | {"body": {"stamp": str(uuid.uuid4()), "filler": "words " * 200}}
        if direct:
            await self._write(piece, direct, person, "save_version", None, {
                "composition_id": piece.id, "base_version": version, "document": document,
            })  # fmt: skip
        else:
            headers = person.headers | {"If-Match": f'"{version}"'}
            await self._write(piece, direct, person, "PUT", headers, {"document": document})

    async def rename(self, *, direct: bool) -> None:
        """An owner gives a composition a new title."""
        piece = self._random.choice(self._world.pieces)
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
        async with self.readers.watching(self._where(piece)):
            if direct:
                answer = await self._ask_database(person, how, body)
            else:
                answer = await self._ask_functions(how, path, headers or person.headers, body)
            if answer is not None and answer.is_success:
                settled = self._is_settled(answer, direct=direct)
                piece.floor.note(answer.json()["updated_at"], time.monotonic(), settled)

    # ----- rights

    async def share(self, *, direct: bool) -> None:
        """An owner shares with somebody, for good or for some seconds, or takes it back."""
        piece = self._random.choice(self._world.pieces)
        person = self._random.choice([p for p in self._world.people if p is not piece.owner])
        await self._share(piece, piece.shares[person.id], "user", person, direct=direct)

    async def share_with_all(self, *, direct: bool) -> None:
        """An owner does the same with an organisation that they belong to; others try in vain."""
        piece = self._random.choice(self._world.pieces)
        organization = self._random.choice(self._world.organizations)
        fact = piece.grants[organization.id]
        await self._share(piece, fact, "organization", organization, direct=direct)

    async def _share(
        self,
        piece: Piece,
        fact: Fact,
        kind: str,
        grantee: Party,
        *,
        direct: bool,
    ) -> None:
        owner = piece.owner
        value: Any = self._random.choice([None, "viewer", "viewer", "editor", "editor"])
        until, expires_at = float("inf"), None
        if value and self._random.random() < 0.25:
            until = time.monotonic() + _SHORT_SHARE_SECONDS
            expires_at = (datetime.now(UTC) + timedelta(seconds=_SHORT_SHARE_SECONDS)).isoformat()
        path = f"/v1/compositions/{piece.id}/shares/{grantee.id}"
        arguments = {"composition_id": piece.id, f"{kind}_id": grantee.id}

        async def send() -> httpx.Response | None:
            if direct and value:
                share = {"role": value, "expires_at": expires_at}
                return await self._ask_database(owner, "share_composition", arguments | share)
            if direct:
                return await self._ask_database(owner, "unshare_composition", arguments)
            if value:
                grant = {"role": value, "grantee": kind}
                if expires_at:
                    grant["expires_at"] = expires_at
                return await self._ask_functions("PUT", path, owner.headers, grant)
            return await self._ask_functions(
                "DELETE", path, owner.headers, params={"grantee": kind}
            )

        async def truth() -> Any:
            row = await self._row(
                "select role from public.shared_compositions"
                " where composition_id = %s and %s in (user_id, organization_id)"
                " and link_id is null and (expires_at is null or expires_at > now())",
                *(piece.id, grantee.id),
            )
            return row[0] if row else None

        seen = self._where(piece, grantee)
        await self._change(fact, value, seen, send, truth, direct=direct, until=until)

    async def join_or_leave(self, *, direct: bool) -> None:
        """An owner of an organisation adds somebody or removes them."""
        organization = self._random.choice(self._world.organizations)
        person = self._random.choice([p for p in self._world.people if p is not organization.owner])
        fact = organization.members[person.id]
        before = next(iter(fact.values))
        joins = before is None
        began = Membership(time.monotonic(), float("inf")) if joins else None
        owner = organization.owner
        path = f"/v1/organizations/{organization.id}/members/{person.id}"
        arguments = {"organization_id": organization.id, "user_id": person.id}

        async def send() -> httpx.Response | None:
            if direct and joins:
                role = {"role": "member"}
                return await self._ask_database(owner, "add_organization_member", arguments | role)
            if direct:
                return await self._ask_database(owner, "remove_organization_member", arguments)
            if joins:
                return await self._ask_functions("PUT", path, owner.headers, {"role": "member"})
            return await self._ask_functions("DELETE", path, person.headers)

        async def truth() -> Any:
            row = await self._row(
                "select from public.organization_members"
                " where organization_id = %s and user_id = %s",
                *(organization.id, person.id),
            )
            return (began or before) if row else None

        pieces = [piece for piece in self._world.pieces if piece.organization is organization]
        seen = self._pinned(person) + [(person, Page("composition", p.id)) for p in pieces]
        await self._change(fact, began, seen, send, truth, direct=direct)
        if began:
            began.ended = time.monotonic()

    async def trash(self, *, direct: bool) -> None:
        """An owner puts a composition into the trash, and after a while takes it out."""
        piece = self._random.choice(self._world.pieces)
        if piece.trash.busy:
            return
        await self._move(piece, goes=True, direct=direct)
        while True in piece.trash.values:
            await asyncio.sleep(self._random.uniform(0, 0.5))
            await self._move(piece, goes=False, direct=direct)

    async def _move(self, piece: Piece, *, goes: bool, direct: bool) -> None:
        path, owner = f"/v1/compositions/{piece.id}", piece.owner

        async def send() -> httpx.Response | None:
            if direct:
                name = "delete_composition" if goes else "undelete_composition"
                return await self._ask_database(owner, name, {"composition_id": piece.id})
            if not goes:
                return await self._ask_functions("POST", path + "/undelete", owner.headers)
            headers = owner.headers | {"If-Match": f'"{await self._head(piece)}"'}
            return await self._ask_functions("DELETE", path, headers)

        async def truth() -> Any:
            row = await self._row(
                "select deleted_at from public.user_compositions where id = %s", piece.id
            )
            return row[0] is not None

        await self._change(piece.trash, goes, self._where(piece), send, truth, direct=direct)

    # ----- layers

    async def layer(self, *, direct: bool) -> None:
        """Somebody changes a composition for themselves, or takes that back."""
        piece = self._random.choice(self._world.pieces)
        person = self._random.choice(self._world.people)
        await self._layer(piece, person, "me", person, direct=direct)

    async def common_layer(self, *, direct: bool) -> None:
        """Who runs an organisation does the same for its members."""
        piece = self._random.choice(self._world.pieces)
        organization = self._random.choice([piece.organization, *self._world.organizations])
        organization = organization or self._random.choice(self._world.organizations)
        await self._layer(piece, organization.owner, "organization", organization, direct=direct)

    async def _layer(
        self,
        piece: Piece,
        person: Person,
        scope: str,
        whose: Party,
        *,
        direct: bool,
    ) -> None:
        fact = piece.layers[whose.id]
        value = None if self._random.random() < 0.3 else str(uuid.uuid4())
        path, arguments = f"/v1/compositions/{piece.id}/layer", {"composition_id": piece.id}
        target = scoped(scope, whose)
        patch = [{"op": "add", "path": f"/body/{whose.id}", "value": value}]

        async def send() -> httpx.Response | None:
            if not value and direct:
                return await self._ask_database(person, "reset_layer", arguments | target)
            if not value:
                return await self._ask_functions("DELETE", path, person.headers, params=target)
            version = await self._head(piece)
            if direct:
                layer = {"base_version": version, "patch": patch}
                return await self._ask_database(person, "set_layer", arguments | target | layer)
            headers = person.headers | JSON_PATCH | {"If-Match": f'"{version}"'}
            method = self._random.choice(["PUT", "PATCH"])
            return await self._ask_functions(method, path, headers, patch, target)

        async def truth() -> Any:
            row = await self._row(
                "select jsonb_path_query_first(patch, '$[*].value') #>> '{}'"
                "  from public.composition_layers"
                " where composition_id = %s and %s in (user_id, organization_id)",
                *(piece.id, whose.id),
            )
            return row[0] if row else None

        await self._change(fact, value, self._where(piece, whose), send, truth, direct=direct)

    # ----- pins

    async def pin(self, *, direct: bool) -> None:
        """Somebody pins a composition in a context, or takes that back."""
        person = self._random.choice(self._world.people)
        await self._pin(
            person, "me", person, self._random.choice(self._world.pieces), direct=direct
        )

    async def default(self, *, direct: bool) -> None:
        """Who runs an organisation does the same for its members."""
        organization = self._random.choice(self._world.organizations)
        theirs = [
            piece
            for piece in self._world.pieces
            if piece.organization is organization
            or None not in piece.grants[organization.id].values
        ]
        piece = self._random.choice(theirs)
        await self._pin(organization.owner, "organization", organization, piece, direct=direct)

    async def _pin(
        self,
        person: Person,
        scope: str,
        whose: Party,
        piece: Piece,
        *,
        direct: bool,
    ) -> None:
        context = self._random.choice(CONTEXTS)
        fact = whose.pins[context]
        value = None if self._random.random() < 0.3 else piece.id
        path, target = f"/v1/pins/{context}", scoped(scope, whose)
        arguments = {"context": context} | target

        async def send() -> httpx.Response | None:
            if not value and direct:
                return await self._ask_database(person, "unpin_composition", arguments)
            if not value:
                return await self._ask_functions("DELETE", path, person.headers, params=target)
            pin = {"composition_id": value}
            if direct:
                return await self._ask_database(person, "pin_composition", arguments | pin)
            return await self._ask_functions("PUT", path, person.headers, target | pin)

        async def truth() -> Any:
            row = await self._row(
                "select composition_id::text from public.composition_pins"
                " where context = %s and %s in (user_id, organization_id)",
                *(context, whose.id),
            )
            return row[0] if row else None

        seen = self._pinned(whose, [context])
        await self._change(fact, value, seen, send, truth, direct=direct)

    # ----- where changes are seen

    def _where(self, piece: Piece, whose: Party | None = None) -> Places:
        """Where a change of a composition is seen: by those whom it is meant for, if it is."""
        contexts = [Page("context", context) for context in CONTEXTS]
        pages = [Page("composition", piece.id)] * 3 + [Page("bare", piece.id), HOME, *contexts]
        concerned = self._concerned(whose)
        pinned: Places = [
            (person, page)
            for party in [*self._world.people, *self._world.organizations]
            for page in contexts
            if piece.id in party.pins[page.name].values
            for person in self._concerned(party)
            if person in concerned or concerned == [None]
        ]
        anywhere: Places = list(itertools.product(concerned, pages))
        # As many of the one as of the other.
        return anywhere + self._random.choices(pinned, k=len(anywhere)) if pinned else anywhere

    def _pinned(self, whose: Party, contexts: Sequence[str] = CONTEXTS) -> Places:
        """Where a change of what is pinned is seen: by those above all who see it for sure."""
        people = [person for person in self._concerned(whose) if person]
        without = [
            person
            for person in people
            if whose is person or any(None in person.pins[context].values for context in contexts)
        ]
        pages = [HOME, *(Page("context", context) for context in contexts)]
        return list(itertools.product([*people, *without * 3], pages))

    def _concerned(self, whose: Party | None) -> list[Person | None]:
        if isinstance(whose, Person):
            return [whose]
        if isinstance(whose, Organization):
            facts = whose.members
            return [p for p in self._world.people if None not in facts[p.id].values]
        return [None]

    # ----- how changes are made

    async def _change(
        self,
        fact: Fact,
        value: Any,
        seen: Places,
        send: Callable[[], Awaitable[httpx.Response | None]],
        truth: Callable[[], Awaitable[Any]],
        *,
        direct: bool,
        until: float = float("inf"),
    ) -> None:
        """Change a fact, unless somebody is changing it.

        Args:
            fact: Which.
            value: What it is to hold.
            seen: Who sees it where.
            send: Makes the change.
            truth: Looks up what the fact holds, when nobody knows.
            direct: Whether it goes past the functions.
            until: When what it is to hold ends by itself.
        """
        if fact.busy:
            return
        fact.busy = True
        try:
            async with self.readers.watching(seen):
                change: Change = fact.begin(value, time.monotonic(), until)
                answer = await send()
                if answer is None or answer.status_code in UNKNOWN:
                    # What was lost may still be at work: longer than a statement may last.
                    await asyncio.sleep(1)
                    change.values = frozenset([await truth()])
                elif answer.is_success:
                    change.settled = self._is_settled(answer, direct=direct)
                else:
                    fact.forget(change)
                change.ended = time.monotonic()
        finally:
            fact.busy = False

    def _is_settled(self, answer: httpx.Response, *, direct: bool) -> bool:
        """Whether a change that was made is in force: before anybody has read, all is."""
        if self._begun is None:
            return True
        return not direct and answer.status_code != HTTPStatus.ACCEPTED

    async def _ask_functions(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: object = None,
        params: dict[str, str] | None = None,
    ) -> httpx.Response | None:
        try:
            answer = await self._functions.request(
                method, path, headers=headers, json=body, params=params
            )
        except httpx.TransportError:
            self.tally.changes["functions lost"] += 1
            return None
        self.tally.changes[f"functions {answer.status_code}"] += 1
        return answer

    async def _ask_database(
        self, person: Person, function: str, arguments: dict[str, Any]
    ) -> httpx.Response | None:
        answer = await self._direct.post(f"/rpc/{function}", headers=person.headers, json=arguments)
        self.tally.changes[f"direct {answer.status_code}"] += 1
        return answer

    # ----- the end

    async def check_against_database(self) -> None:
        """Everybody reads everything once more: it must be what the database says."""
        for person in self._world.people:
            await asyncio.gather(*(self._compare(person, page) for page in self._world.pages()))
        stamps = await self._rows(
            "select encode(content_hash, 'hex'), document #>> '{body,stamp}'"
            " from public.compositions where document -> 'body' ? 'stamp'"
        )
        known = dict(stamps)
        for content_hash, stamp in self.readers.stamps.items():
            assert known[content_hash] == stamp

    async def _compare(self, person: Person, page: Page) -> None:
        by_functions = await self._functions.get(page.path, headers=person.headers)
        by_database = await self._ask_database(person, *page.call)
        assert by_database is not None
        assert by_functions.status_code == by_database.status_code, page
        if by_database.is_success:
            assert by_functions.json() == by_database.json(), page

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
        pins = {context: Fact(None) for context in CONTEXTS}
        return Person(user_id, pins, name, headers)

    async def _found(self, owner: Person) -> Organization:
        made = await self._ask_database(owner, "create_organization", {"name": owner.name})
        assert made is not None and made.is_success, made
        members = {person.id: Fact(None) for person in self._world.people}
        members[owner.id] = Fact(Membership())
        pins = {context: Fact(None) for context in CONTEXTS}
        return Organization(made.json()["organization_id"], pins, owner, members)

    async def _make(self, owner: Person, organization: Organization | None) -> Piece:
        document = SMALLEST | {"body": {"stamp": str(uuid.uuid4())}}
        arguments = {"title": "A composition", "document": document}
        if organization:
            arguments["organization_id"] = organization.id
        made = await self._ask_database(owner, "create_composition", arguments)
        assert made is not None and made.is_success, made
        people, organizations = self._world.people, self._world.organizations
        return Piece(
            *(made.json()["composition_id"], owner, organization),
            shares={person.id: Fact(None) for person in people},
            grants={organization.id: Fact(None) for organization in organizations},
            layers={whose.id: Fact(None) for whose in [*people, *organizations]},
        )

    async def _head(self, piece: Piece) -> int:
        row = await self._row(
            "select current_version from public.user_compositions where id = %s", piece.id
        )
        return int(row[0])

    async def _row(self, query: str, *arguments: str) -> Any:
        return next(iter(await self._rows(query, *arguments)), None)

    async def _rows(self, query: str, *arguments: str) -> list[Any]:
        cursor = await self._database.execute(query.encode(), arguments)
        return await cursor.fetchall()


def scoped(scope: str, whose: Party) -> dict[str, str]:
    """Whose layer or pin it is, as arguments say it."""
    return {"scope": scope} | ({} if isinstance(whose, Person) else {"organization_id": whose.id})
