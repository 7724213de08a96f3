"""The API on the stack that tests share, and people who ask it."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import psycopg
import pytest

from devstack.stack import Addresses
from functions.api.handler import Handler
from functions.api.services import Services
from functions.core.loop import run
from functions.core.parts import Parts
from functions.core.settings import Settings
from tests.functions.api.client import Client
from tests.samples import sample


class Deployment:
    """A handler with its parts.

    Args:
        environment: What it reads.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.parts = Parts(Settings.from_environment(environment))
        self.handler = Handler(lambda: Services(self.parts))


@pytest.fixture(scope="session")
def deploy(environment: dict[str, str]) -> Iterator[Callable[..., Deployment]]:
    """Deploy the API with other variables than those of the stack."""
    with contextlib.ExitStack() as cleanup:

        def make(**variables: str) -> Deployment:
            deployment = Deployment(environment | variables)
            cleanup.callback(lambda: run(deployment.parts.close()))
            return deployment

        yield make


@pytest.fixture(scope="session")
def api(deploy: Callable[..., Deployment]) -> Handler:
    """The handler of the API, with the database and the cache of the stack."""
    return deploy().handler


@pytest.fixture(scope="session")
def without_cache(deploy: Callable[..., Deployment]) -> Handler:
    """The same with a Redis that is not there."""
    return deploy(UPSTASH_REDIS_REST_URL="http://127.0.0.1:9").handler


@pytest.fixture(scope="session")
def without_database(deploy: Callable[..., Deployment]) -> Handler:
    """The same with a database that is not there."""
    return deploy(SUPABASE_URL="http://127.0.0.1:9").handler


@pytest.fixture(scope="session")
def people(api: Handler, addresses: Addresses) -> Iterator[Callable[[str], Client]]:
    """Give somebody an account and a session: what signing up does, without its 0.3 s."""
    with psycopg.connect(addresses["database_url"], autocommit=True) as operator:

        def make(name: str) -> Client:
            id = str(uuid.uuid4())
            email = f"{name}-{id}@example.com"
            operator.execute("insert into auth.users (id, email) values (%s, %s)", (id, email))
            claims = {
                "sub": id,
                "aud": "authenticated",
                "role": "authenticated",
                "email": email,
                "exp": int(time.time()) + 3600,
            }
            token = jwt.encode(claims, addresses["jwt_secret"], algorithm="HS256")
            return Client(api, token, id, email)

        yield make


@pytest.fixture
def anybody(api: Handler) -> Client:
    """Somebody who is not signed in."""
    return Client(api)


@pytest.fixture
def ann(people: Callable[[str], Client]) -> Client:
    return people("ann")


@pytest.fixture
def ben(people: Callable[[str], Client]) -> Client:
    return people("ben")


def create(client: Client, document: Any = None, **more: Any) -> str:
    """Create a composition.

    Returns:
        Where it is.
    """
    made = client(
        "POST",
        "/v1/compositions",
        {"title": f"Library {uuid.uuid4()}", "document": document or sample(), **more},
    )
    assert made.status == 201, made.body
    return made.headers["location"]
