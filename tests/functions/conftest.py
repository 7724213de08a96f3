"""The parts of the functions, on the stack that tests share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from devstack.stack import Addresses
from functions.core.database import Database, http_client
from functions.core.loop import run
from functions.core.settings import Settings


@pytest.fixture(scope="session")
def settings(addresses: Addresses) -> Settings:
    """Settings of the stack, with a deadline for a busy machine."""
    return Settings.from_environment(
        {
            "SUPABASE_URL": addresses["supabase_url"],
            "SUPABASE_ANON_KEY": addresses["anon_key"],
            "SUPABASE_SERVICE_ROLE_KEY": addresses["service_role_key"],
            "SUPABASE_JWT_SECRET": addresses["jwt_secret"],
            "SUPABASE_JWT_ISSUER": "",
            "DATABASE_DEADLINE_SECONDS": "30",
        }
    )


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
