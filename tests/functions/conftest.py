"""The parts of the functions on real servers: the stack that tests share, and Valkey."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
import redis

from devstack import bridge, valkey
from devstack.processes import Server
from devstack.stack import Addresses
from functions.core.database import Database, http_client
from functions.core.loop import run
from functions.core.parts import Parts, parts
from functions.core.problems import Json
from functions.core.settings import Settings

PASSWORD = "not-a-secret"
TOKEN = "no-secret-either"


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Valkey for all tests that empty it before they begin."""
    folder = tmp_path_factory.mktemp("valkey")
    with _running(lambda: valkey.start(folder, PASSWORD, logs=folder)) as server:
        yield server


@pytest.fixture(scope="session")
def bridge_url(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the bridge to it is; its token is TOKEN."""
    folder = tmp_path_factory.mktemp("bridge")
    with _running(lambda: bridge.start(valkey_server.port, PASSWORD, TOKEN, logs=folder)) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def store(valkey_server: Server) -> Iterator[redis.Redis]:
    """What Valkey holds, seen from beside the functions; nothing at first."""
    with redis.Redis(port=valkey_server.port, password=PASSWORD) as client:
        client.flushall()
        yield client


@contextlib.contextmanager
def _running(start: Callable[[], Server]) -> Iterator[Server]:
    server = start()
    try:
        server.wait(threading.Event())
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests of coroutines run as the functions do, on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def environment(addresses: Addresses, bridge_url: str) -> dict[str, str]:
    """What the functions read on the stack, with deadlines for a busy machine."""
    return {
        "SUPABASE_URL": addresses["supabase_url"],
        "SUPABASE_ANON_KEY": addresses["anon_key"],
        "SUPABASE_SERVICE_ROLE_KEY": addresses["service_role_key"],
        "SUPABASE_JWT_SECRET": addresses["jwt_secret"],
        "SUPABASE_JWT_ISSUER": "",
        "DATABASE_DEADLINE_SECONDS": "30",
        "UPSTASH_REDIS_REST_URL": bridge_url,
        "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        "CACHE_DEADLINE_SECONDS": "30",
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """The settings that these variables make."""
    return Settings.from_environment(environment)


@pytest.fixture
def deployed(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Parts]]:
    """Have handlers find variables, as when they were deployed with them."""

    def deploy(**variables: str) -> Parts:
        withdraw()
        for name, value in (environment | variables).items():
            monkeypatch.setenv(name, value)
        return parts()

    def withdraw() -> None:
        if parts.cache_info().currsize:
            run(parts().close())
        parts.cache_clear()

    yield deploy
    withdraw()


@pytest.fixture
def database_of() -> Iterator[Callable[[Settings], Database]]:
    """A database with these settings."""
    clients = []

    def make(settings: Settings) -> Database:
        clients.append(http_client(settings))
        return Database(settings, clients[-1])

    yield make
    for client in clients:
        run(client.aclose())


@pytest.fixture
def database(settings: Settings, database_of: Callable[[Settings], Database]) -> Database:
    """The database of the stack."""
    return database_of(settings)


@pytest.fixture(scope="session")
def sign_up(addresses: Addresses) -> Callable[[str], str]:
    """Sign somebody up, and return their token."""

    def make(name: str) -> str:
        answer = httpx.post(
            f"{addresses['supabase_url']}/auth/v1/signup",
            headers={"apikey": addresses["anon_key"]},
            json={"email": f"{name}-{uuid.uuid4()}@example.com", "password": uuid.uuid4().hex},
            timeout=60,
        )
        return str(answer.raise_for_status().json()["access_token"])

    return make


class Outbox:
    """What caches must still forget, for an operator."""

    def __init__(self, operator: psycopg.Connection) -> None:
        self._operator = operator

    def note(
        self,
        composition_id: uuid.UUID | None = None,
        user_id: uuid.UUID | None = None,
        *,
        due: bool = False,
    ) -> Json:
        """Write a row, as a change in the database does.

        Args:
            composition_id: What has changed for everybody, or ...
            user_id: ... for whom everything has.
            due: That it is the sweep's, and not the webhook's any more.

        Returns:
            The row as the webhook and the sweep are told it.
        """
        row = self._operator.execute(
            """
            insert into private.cache_outbox as o (composition_id, user_id, due_at)
            values (%s, %s, clock_timestamp() + case when %s then '0' else '1 hour' end::interval)
            returning to_jsonb(o) - 'attempts' - 'due_at'
            """,
            (composition_id, user_id, due),
        ).fetchone()
        assert row is not None
        told: Json = row[0]
        return told

    def note_many(self, count: int) -> None:
        """Write rows about many compositions, all due."""
        self._operator.execute(
            """
            insert into private.cache_outbox (composition_id, due_at)
            select gen_random_uuid(), clock_timestamp() from generate_series(1, %s)
            """,
            (count,),
        )

    def fall_due(self) -> None:
        """Let the time pass until all of it is due."""
        self._operator.execute("update private.cache_outbox set due_at = clock_timestamp()")

    def attempts(self) -> dict[int, int]:
        """How many rows were handed out how often."""
        rows = self._operator.execute(
            "select o.attempts, count(*) from private.cache_outbox as o group by o.attempts"
        )
        return dict(rows.fetchall())

    def ids(self) -> list[int]:
        """Of the rows that nobody has acknowledged."""
        rows = self._operator.execute("select o.id from private.cache_outbox as o order by o.id")
        return [id for (id,) in rows]


@pytest.fixture
def outbox(addresses: Addresses) -> Iterator[Outbox]:
    """The outbox, with nothing in it at first."""
    with psycopg.connect(addresses["database_url"], autocommit=True) as operator:
        operator.execute("delete from private.cache_outbox")
        yield Outbox(operator)
