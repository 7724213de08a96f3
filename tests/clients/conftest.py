"""People who signed up through the auth of the stack."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from postgrest.exceptions import APIError
from supabase import Client

from devstack.stack import Addresses
from tests.people import Json


@pytest.fixture
def new_client(addresses: Addresses, connect: Callable[..., Client]) -> Callable[[str], Client]:
    """Sign somebody up and give them a client of their own."""

    def make(name: str) -> Client:
        client = connect(addresses)
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
