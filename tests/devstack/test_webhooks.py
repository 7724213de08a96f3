"""The stand-in for pg_net: what is sent, when, and what is lost."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from devstack import webhooks
from devstack.postgres import Postgres
from devstack.processes import Server
from tests.devstack.conftest import wait_until


class Seen(NamedTuple):
    """A request as the receiver saw it."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(http.server.ThreadingHTTPServer):
    """Notes what comes in; `/slow` takes half a second, `/never` a minute, `/gone` is 410."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 500

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[Seen] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(time.time(), self.command, self.path, headers, body))
        time.sleep({"/slow": 0.5, "/never": 60}.get(self.path, 0))
        self.send_response(410 if self.path == "/gone" else 200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"so\0o")

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("net")) as running:
        yield running


@pytest.fixture(scope="module")
def worker(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = webhooks.start(postgres, logs=tmp_path_factory.mktemp("net-logs"))
    try:
        server.wait(threading.Event())
        yield server
    finally:
        server.stop()


@pytest.fixture
def receiver(worker: Server) -> Iterator[Receiver]:
    with Receiver() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        yield connection


def post(database: psycopg.Connection[Any], url: str, **arguments: Any) -> int:
    """Queue a request; returns its id."""
    named = "".join(f", {name} => %({name})s" for name in arguments)
    values = {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in arguments.items()
    }
    row = database.execute(
        f"select net.http_post(url => %(url)s{named})".encode(), {"url": url, **values}
    ).fetchone()
    assert row
    return int(row[0])


def outcome(database: psycopg.Connection[Any], id: int) -> Any:
    """The row that the worker wrote about a request."""
    found: list[Any] = []

    def there() -> bool:
        found[:] = database.execute(
            "select status_code, content_type, content, timed_out, error_msg"
            " from net._http_response where id = %s",
            [id],
        ).fetchall()
        return bool(found)

    wait_until(there)
    return found[0]


def queued(database: psycopg.Connection[Any]) -> int:
    row = database.execute("select count(*) from net.http_request_queue").fetchone()
    assert row
    return int(row[0])


def test_a_request_is_sent_after_the_commit_and_never_without_one(
    database: psycopg.Connection[Any], receiver: Receiver
) -> None:
    body = {"text": "é", "list": [1, None]}
    with database.transaction():
        id = post(database, f"{receiver.url}/hook", body=body, headers={"X-Signature": "abc"})
        exact = database.execute("select %s::jsonb::text", [json.dumps(body)]).fetchone()
        time.sleep(0.1)
        assert not receiver.seen
    with database.transaction(force_rollback=True):
        post(database, f"{receiver.url}/rolled-back")

    assert outcome(database, id) == (200, "text/plain", "soo", False, None)
    (seen,) = receiver.seen
    assert exact and seen.body == exact[0].encode()
    assert (seen.method, seen.path) == ("POST", "/hook")
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["x-signature"] == "abc"
    assert queued(database) == 0


def test_arguments_become_a_query_and_other_methods_are_there(
    database: psycopg.Connection[Any], receiver: Receiver
) -> None:
    hostile = {"a b": "ü&=?/", "empty": ""}
    post(database, f"{receiver.url}/p?x=1", params=hostile)
    database.execute("select net.http_get(%s, %s)", [f"{receiver.url}/g", '{"a": "b"}'])
    database.execute("select net.http_delete(%s, body => '[]')", [f"{receiver.url}/d"])

    wait_until(lambda: len(receiver.seen) == 3)
    assert {(seen.method, seen.path, seen.body) for seen in receiver.seen} == {
        ("POST", "/p?x=1&a%20b=%C3%BC%26%3D%3F%2F&empty=", b"{}"),
        ("GET", "/g?a=b", b""),
        ("DELETE", "/d", b"[]"),
    }
    with pytest.raises(psycopg.errors.RaiseException, match="Content-Type"):
        post(database, receiver.url, headers={"content-type": "text/plain"})


def test_what_fails_is_recorded_and_not_sent_again(
    database: psycopg.Connection[Any], receiver: Receiver
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with database.transaction():
        gone = post(database, f"{receiver.url}/gone")
        never = post(database, f"{receiver.url}/never", timeout_milliseconds=100)
        refused = post(database, nobody)
        nonsense = [post(database, url) for url in ("no url", "http://", "ftp://x/", "http://\t/")]
        nonsense.append(post(database, receiver.url, headers={"a": "b\r\nc: d"}))
        fine = post(database, f"{receiver.url}/fine")

    assert outcome(database, gone)[0] == 410
    status, _, _, timed_out, error = outcome(database, never)
    assert (status, timed_out) == (None, True)
    assert error.startswith("Timeout of 100 ms reached")
    for id in (refused, *nonsense):
        status, _, _, timed_out, error = outcome(database, id)
        assert (status, timed_out) == (None, False)
        assert error
    assert outcome(database, fine)[0] == 200
    assert queued(database) == 0  # so there is nothing to send again
    assert sorted(seen.path for seen in receiver.seen) == ["/fine", "/gone", "/never"]


def test_a_batch_is_of_200_waits_for_its_slowest_and_is_followed_by_a_pause(
    database: psycopg.Connection[Any], receiver: Receiver
) -> None:
    with database.transaction():
        slow = post(database, f"{receiver.url}/slow")
        database.execute(
            "select net.http_post(%s || n) from generate_series(1, 249) as n", [receiver.url + "/"]
        )
    wait_until(lambda: len(receiver.seen) == 200)
    assert queued(database) == 250  # nothing is gone before all have answered
    outcome(database, slow)
    assert queued(database) == 50
    wait_until(lambda: len(receiver.seen) == 250)
    assert len({seen.path for seen in receiver.seen}) == 250
    wait_until(lambda: queued(database) == 0)
    times = sorted(seen.at for seen in receiver.seen)
    assert times[200] - times[0] > 1.4


def test_anybody_may_read_the_queue_as_there(postgres: Postgres, worker: Server) -> None:
    with psycopg.connect(postgres.url("authenticator")) as database:
        database.execute("set role anon")
        database.execute("select from net.http_request_queue")
        database.execute("select from net._http_response")


def test_a_crash_of_postgres_loses_the_queue_and_the_worker_goes_on(
    postgres: Postgres, worker: Server, receiver: Receiver
) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as database:
        wait_until(lambda: queued(database) == 0)
        os.kill(worker.part.pid, signal.SIGSTOP)
        post(database, f"{receiver.url}/lost")
        assert queued(database) == 1
    os.kill(postgres.server.part.pid, signal.SIGKILL)
    postgres.restart(threading.Event())
    os.kill(worker.part.pid, signal.SIGCONT)

    with psycopg.connect(postgres.url(), autocommit=True) as database:
        assert queued(database) == 0
        assert outcome(database, post(database, f"{receiver.url}/kept"))[0] == 200
    assert [seen.path for seen in receiver.seen] == ["/kept"]


def test_a_worker_that_is_killed_leaves_the_rest_to_the_next(
    database: psycopg.Connection[Any], worker: Server, receiver: Receiver
) -> None:
    worker.part.stop()
    id = post(database, f"{receiver.url}/waited")
    worker.restart(threading.Event())
    assert outcome(database, id)[0] == 200
