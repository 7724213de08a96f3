"""People for tests: signed-in users whose calls run exactly as PostgREST runs them.

Each person has a connection of their own as the role `authenticator`; each call is one transaction
that takes the role and the claims of their token. What a test proves with them, PostgREST does.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

Json = dict[str, Any]
T = TypeVar("T")

# An id that nobody and nothing has.
NOBODY = "00000000-0000-4000-8000-000000000000"


class Person:
    """Somebody with a connection: signed in as `id`, or, without one, anon."""

    def __init__(self, url: str, user_id: uuid.UUID | None, role: str = "authenticated") -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.role = role
        self.claims: Json = {"role": role}
        if user_id is not None:
            self.claims["sub"] = str(user_id)

    @property
    def id(self) -> str:
        return str(self.claims["sub"])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that holds its locks until the block ends."""
        with self.connection.transaction():
            self.connection.execute(
                "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                (self.role, json.dumps(self.claims)),
            )
            yield

    def call(self, function: str, /, **arguments: Any) -> Any:
        """Run `public.<function>` as PostgREST does, and return its JSON result."""
        query = sql.SQL("select public.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
                for name in arguments
            ),
        )
        values = {
            name: Jsonb(value) if isinstance(value, dict) else value
            for name, value in arguments.items()
        }
        with self.transaction():
            row = self.connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]

    def rows(self, query: LiteralString, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run a statement on the tables, under RLS.

        Returns:
            The rows it returns.
        """
        with self.transaction():
            return self.connection.execute(query, arguments).fetchall()


@contextmanager
def refused(sqlstate: str, **facts: Any) -> Iterator[Json]:
    """Expect PostgreSQL to refuse with this SQLSTATE, and with these facts in DETAIL.

    Yields:
        A dictionary that holds all facts once the block has ended.
    """
    detail: Json = {}
    with pytest.raises(psycopg.Error) as caught:
        yield detail
    assert caught.value.sqlstate == sqlstate, caught.value
    if facts:
        detail.update(json.loads(caught.value.diag.message_detail or "{}"))
        assert {name: detail.get(name) for name in facts} == facts
        assert caught.value.diag.message_hint, "an error says what to do next"


def refusal(person: Person, function: str, **arguments: Any) -> tuple[str | None, ...]:
    """All that a refused caller gets to see, so that two answers can be compared byte by byte.

    Returns:
        SQLSTATE, message, detail, hint.
    """
    with pytest.raises(psycopg.Error) as caught:
        person.call(function, **arguments)
    said = caught.value.diag
    return (said.sqlstate, said.message_primary, said.message_detail, said.message_hint)


def in_turn(
    first: Person, act: Callable[[], object], second: Person, waiting_act: Callable[[], T]
) -> T:
    """Two people meet: the act of the second waits for the transaction of the first to end.

    Returns:
        What the second act returns; it raises what that raises.
    """
    with ThreadPoolExecutor(1) as pool:
        with first.transaction():
            act()
            waiting = pool.submit(waiting_act)
            wait_until_blocked(first.connection, second.connection)
        return waiting.result(10)


def wait_until_blocked(
    observer: psycopg.Connection, waiter: psycopg.Connection, by: psycopg.Connection | None = None
) -> None:
    """Return once a connection waits for a lock that another one holds: `by`, or the observer."""
    for _ in range(1000):
        row = observer.execute(
            "select %s = any (pg_blocking_pids(%s))",
            ((by or observer).info.backend_pid, waiter.info.backend_pid),
        ).fetchone()
        if row == (True,):
            return
        time.sleep(0.01)
    raise AssertionError("nobody waited")
