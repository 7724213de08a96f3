"""The database of the shared stack, to look into and to break for a while, and plays on it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from supabase import Client, ClientOptions, create_client

from demo import stage as demo_stage
from demo.histories import History, Revision, Source
from demo.play import Play
from demo.stage import Person
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


@pytest.fixture(scope="session")
def people(stack: Stack) -> Iterator[list[Person]]:
    """The people of all plays: signing up takes longer than a play."""
    with contextlib.ExitStack() as clients, pytest.MonkeyPatch.context() as patch:

        def closing(url: str, key: str) -> Client:
            # Nothing here speaks TLS, whose roots take a while to load.
            session = clients.enter_context(httpx.Client(verify=False))
            options = ClientOptions(httpx_client=session)
            return create_client(url, key, options)

        patch.setattr(demo_stage, "create_client", closing)
        play = new_play(stack)
        play.gather()
        yield play.people


class ShortPlay(Play):
    """A play with the acts of some modules of demo.acts, or of none: the others take their time."""

    modules: str

    def perform(self, name: str, act: Callable[..., Any], *arguments: Any) -> Any:
        if act.__module__.rpartition(".")[2] in self.modules.split():
            return super().perform(name, act, *arguments)
        return None


@pytest.fixture
def perform(
    stack: Stack, database: psycopg.Connection, people: list[Person]
) -> Iterator[Callable[..., Play]]:
    """Play two documents in: the first is shared and saved twice, the second is neither."""

    def play_in(acts: str | None = None, *histories: History, **changed: Any) -> Play:
        play = new_play(stack, Play if acts is None else ShortPlay)
        for name, value in (changed | {"people": people, "modules": acts}).items():
            setattr(play, name, value)
        played = histories or (history("First", "a", "b"), history("Second", "c"))
        play.run(Source("the test", len(played), iter(played)), lambda _done: None)
        return play

    yield play_in
    # What went wrong may have made members or given roles; the next play has the same people.
    database.execute("delete from auth.users where email like 'newcomer.%'")
    for person in people:
        database.execute(
            "delete from public.organization_members where user_id = %s and organization_id <> %s",
            (person.id, person.organization_id),
        )
        database.execute(
            "update public.organization_members set role = %s where user_id = %s",
            (person.role, person.id),
        )


def new_play(stack: Stack, kind: type[Play] = Play) -> Play:
    addresses = stack.addresses
    return kind(
        addresses["supabase_url"],
        addresses["anon_key"],
        threading.Event(),
        addresses["service_role_key"],
        addresses["database_url"],
    )


def history(title: str, *texts: str) -> History:
    documents = [
        {
            "format": "composition/1",
            "dialect": "a2ui/0.9.1",
            "root": "root",
            "components": {
                "root": {"component": "Card", "child": "text"},
                "text": {"component": "Text", "text": text},
            },
        }
        for text in texts
    ]
    revisions = [Revision(document, None) for document in documents]
    return History(title, "", [title.lower()], revisions)
