"""Options of the test run, and the stack that tests share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Literal

import httpx
import pytest
from supabase import Client, ClientOptions, create_client

from devstack.stack import CACHED, Addresses, Stack

Key = Literal["anon_key", "service_role_key"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `make test-corpus`, `make test-rules` and others set."""
    parser.addoption(
        "--whole-corpus", action="store_true", help="tests/corpus: all documents, not a sample"
    )
    parser.addoption(
        "--plays", type=int, help="tests/database/test_rules.py: as many, and new ones every time"
    )
    parser.addoption(
        "--schedules", type=int, help="tests/functions/test_protocol.py: the same of schedules"
    )
    parser.addoption(
        "--reads", type=int, help="tests/consistency: at least so many reads are checked"
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack for all tests that only talk to its database."""
    with Stack(without=CACHED) as running:
        yield running


@pytest.fixture(scope="session")
def addresses(stack: Stack) -> Addresses:
    """Where the stack is, as `python -m devstack up` prints it."""
    return stack.addresses


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """A supabase-py client of a stack with a key of it."""
    with contextlib.ExitStack() as clients:

        def make(addresses: Addresses, key: Key = "anon_key") -> Client:
            # One of its own supabase-py would never close.
            options = ClientOptions(httpx_client=clients.enter_context(httpx.Client()))
            return create_client(addresses["supabase_url"], addresses[key], options)

        yield make
