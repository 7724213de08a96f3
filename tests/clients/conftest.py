"""The local stack, and people who signed up through its auth."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from postgrest.exceptions import APIError
from supabase import Client, create_client

from devstack.stack import Addresses, Stack
from tests.people import Json


@pytest.fixture(scope="session")
def addresses() -> Iterator[Addresses]:
    """Where the stack is, as `python -m devstack up` prints it."""
    with Stack() as stack:
        yield stack.addresses


@pytest.fixture
def new_client(addresses: Addresses) -> Callable[[str], Client]:
    """Sign somebody up and give them a client of their own."""

    def make(name: str) -> Client:
        client = create_client(addresses["supabase_url"], addresses["anon_key"])
        client.auth.sign_up(
            {"email": f"{name}-{uuid.uuid4()}@example.com", "password": uuid.uuid4().hex}
        )
        return client

    return make


@contextmanager
def refused_by_api(code: str) -> Iterator[Json]:
    """Expect PostgREST to refuse with this SQLSTATE.

    Yields:
        A dictionary that holds the error once the block has ended: code, message, details, hint.
    """
    error: Json = {}
    with pytest.raises(APIError) as caught:
        yield error
    error.update(caught.value.json())
    assert error["code"] == code, error
