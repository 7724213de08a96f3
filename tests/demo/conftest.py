"""The database of the shared stack, to look into and to break for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from devstack.stack import Stack

Break = Callable[[str, str, str], None]


@pytest.fixture
def database(stack: Stack) -> Iterator[psycopg.Connection]:
    """Its database; what is made in the test is gone after it."""
    with psycopg.connect(stack.addresses["database_url"], autocommit=True) as connection:
        started = connection.execute("select clock_timestamp()").fetchone()
        yield connection
        connection.execute("delete from public.user_compositions where created_at > %s", started)


@pytest.fixture
def break_function(database: psycopg.Connection) -> Iterator[Break]:
    """Put something wrong into a function in place of something right, until the test ends."""
    originals: list[bytes] = []

    def change(function: str, right: str, wrong: str) -> None:
        row = database.execute("select pg_get_functiondef(%s::regproc)", (function,)).fetchone()
        assert row and right in row[0], f"{function} has no {right!r}"
        originals.append(row[0].encode())
        database.execute(row[0].replace(right, wrong).encode())

    yield change
    for original in reversed(originals):
        database.execute(original)
