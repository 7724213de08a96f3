"""A database of each kind that hosted Supabase runs, and people in it.

Every test here runs twice: on Postgres 17 with the grants of a new project, and on Postgres 15
with those of an old one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
import pytest

from devstack import migrations
from devstack.postgres import Postgres
from tests.people import Json, Person, refused
from tests.samples import SMALLEST, sample

KINDS: dict[str, tuple[Literal[15, 17], Literal["closed", "open"]]] = {
    "17-closed": (17, "closed"),
    "15-open": (15, "open"),
}

# For what functions do with the rights of their owner, and what values become: no grant comes into
# it, and random plays and hostile callers try all of it on both kinds.
one_kind = pytest.mark.parametrize("postgres", ["17-closed"], indirect=True, scope="session")


@pytest.fixture(scope="session", params=KINDS)
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Postgres]:
    """A server with the migrations applied, as hosted Supabase applies them."""
    major, grants = KINDS[request.param]
    data: Path = tmp_path_factory.mktemp(request.param)
    with Postgres(data, major=major, grants=grants, durable=False) as server:
        migrations.push(server.url("postgres"))
        yield server


@pytest.fixture(scope="session")
def admin(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A superuser's connection, for what no person may see or do."""
    with psycopg.connect(postgres.url("supabase_admin"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def new_person(postgres: Postgres, admin: psycopg.Connection) -> Iterator[Callable[[str], Person]]:
    """Make somebody with an account of their own."""
    everyone: list[Person] = []

    def make(name: str) -> Person:
        user_id = uuid.uuid4()
        admin.execute(
            "insert into auth.users (id, email) values (%s, %s)",
            (user_id, f"{name}-{user_id}@example.com"),
        )
        everyone.append(Person(postgres.url("authenticator"), user_id))
        return everyone[-1]

    yield make
    for person in everyone:
        person.connection.close()


@pytest.fixture
def twin(postgres: Postgres) -> Iterator[Callable[[Person], Person]]:
    """Give somebody a second device: `phone = twin(ann)`."""
    devices: list[Person] = []

    def make(person: Person) -> Person:
        devices.append(Person(postgres.url("authenticator"), uuid.UUID(person.id)))
        return devices[-1]

    yield make
    for device in devices:
        device.connection.close()


@pytest.fixture
def address(admin: psycopg.Connection) -> Callable[[Person], str]:
    """Look up the e-mail address of somebody's account."""

    def find(person: Person) -> str:
        row = admin.execute("select email from auth.users where id = %s", (person.id,)).fetchone()
        assert row is not None
        return str(row[0])

    return find


@pytest.fixture
def people(new_person: Callable[[str], Person]) -> Callable[..., list[Person]]:
    """Make several people: `ann, ben = people("ann", "ben")`."""
    return lambda *names: [new_person(name) for name in names]


@pytest.fixture
def anon(postgres: Postgres) -> Iterator[Person]:
    """Nobody: a caller with the public key alone."""
    person = Person(postgres.url("authenticator"), None, role="anon")
    yield person
    person.connection.close()


@pytest.fixture
def new_job(postgres: Postgres) -> Iterator[Callable[[], Person]]:
    """Make a job: a caller with the service key."""
    with ExitStack() as jobs:

        def make() -> Person:
            job = Person(postgres.url("authenticator"), None, role="service_role")
            jobs.callback(job.connection.close)
            return job

        yield make


@pytest.fixture
def service_role(new_job: Callable[[], Person]) -> Person:
    """The one job of a play."""
    return new_job()


@pytest.fixture
def setting(admin: psycopg.Connection) -> Iterator[Callable[[str, int], None]]:
    """Change a setting as an operator does, until the test ends: `setting("trash_days", 1)`."""
    before = admin.execute("select name, value from private.settings").fetchall()

    def change(name: str, value: int) -> None:
        changed = admin.execute(
            "update private.settings set value = %s where name = %s", (value, name)
        )
        assert changed.rowcount == 1, f"there is no setting {name}"

    yield change
    for name, value in before:
        change(name, value)


@dataclass(frozen=True)
class Piece:
    """A composition that a test made."""

    id: str
    document: Json


@pytest.fixture
def composition() -> Callable[..., Piece]:
    """Make a composition with one version: `composition(owner=ann)`."""

    def make(owner: Person, document: Json | None = None, **arguments: Any) -> Piece:
        document = document or sample()
        arguments = {"title": "Video library"} | arguments
        made = owner.call("create_composition", document=document, **arguments)
        return Piece(made["composition_id"], document)

    return make


@pytest.fixture
def organization() -> Callable[..., str]:
    """Make an organisation: `organization(owner=ann, members={ben: "member"})`."""

    def make(owner: Person, members: dict[Person, str] | None = None) -> str:
        organization_id: str = owner.call("create_organization", name="Northwind")[
            "organization_id"
        ]
        for person, role in (members or {}).items():
            owner.call(
                "add_organization_member",
                organization_id=organization_id,
                user_id=person.id,
                role=role,
            )
        return organization_id

    return make


@pytest.fixture
def invite(address: Callable[[Person], str]) -> Callable[..., Json]:
    """Invite somebody to an organisation: `invite(ann, northwind, ben)["token"]`."""

    def make(inviter: Person, organization_id: str, invited: Person, role: str = "member") -> Json:
        invitation: Json = inviter.call(
            "invite_to_organization",
            organization_id=organization_id,
            email=address(invited),
            role=role,
        )
        return invitation

    return make


@dataclass(frozen=True)
class Around:
    """The people around one composition, by what they are to it."""

    composition_id: str
    organization_id: str
    people: dict[str, Person]


@pytest.fixture
def around(
    people: Callable[..., list[Person]],
    organization: Callable[..., str],
    composition: Callable[..., Piece],
    anon: Person,
) -> Around:
    """An organisation's composition, shared with a viewer and an editor from outside."""
    names = ("stranger", "viewer", "editor", "member", "admin", "owner")
    everyone = dict(zip(names, people(*names), strict=True))
    owner = everyone["owner"]
    northwind = organization(owner, {everyone["member"]: "member", everyone["admin"]: "admin"})
    piece = composition(owner, SMALLEST, organization_id=northwind)
    for role in ("viewer", "editor"):
        owner.call(
            "share_composition", composition_id=piece.id, user_id=everyone[role].id, role=role
        )
    return Around(piece.id, northwind, everyone | {"anon": anon})


@pytest.fixture
def all_denied(subtests: pytest.Subtests) -> Callable[..., None]:
    """Expect each of some statements to be denied to each of some people."""

    def check(people: dict[str, Person], statements: Sequence[LiteralString]) -> None:
        for who, person in people.items():
            for statement in statements:
                with subtests.test(who=who, statement=statement), refused("42501"):
                    person.rows(statement)

    return check
