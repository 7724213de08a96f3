"""The functions while Redis, PostgREST or their own workers are gone, hang, or answer errors."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import psycopg
import pytest
import redis

from devstack.front import FUNCTIONS
from devstack.stack import Stack
from devstack.workers import Function
from tests.devstack.conftest import descendants, wait_until
from tests.functions.conftest import Outbox
from tests.samples import small

# What hangs is given up after so long; a busy machine must not be taken for one that hangs.
REFUSED = "-"
ENVIRONMENT = {
    "CACHE_DEADLINE_SECONDS": "0.5",
    "BREAKER_SECONDS": "1",
    "DATABASE_DEADLINE_SECONDS": "1.5",
    "WRITE_BLOCK_SECONDS": "5",
}


@pytest.fixture(scope="module")
def broken() -> Iterator[Stack]:
    """A stack to break. Its workers stand still between calls, as on Lambda; the API has one."""
    with Stack(
        functions=FUNCTIONS | {"api": Function("functions.api.handler.handler")},
        environment=ENVIRONMENT,
        freeze=True,
        rates={"sweep": 0.5},
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def operator(broken: Stack) -> Iterator[psycopg.Connection]:
    with psycopg.connect(broken.addresses["database_url"], autocommit=True) as connection:
        yield connection


@pytest.fixture
def outbox(operator: psycopg.Connection) -> Outbox:
    return Outbox(operator)


class Person:
    """Somebody who asks the API."""

    def __init__(self, stack: Stack, operator: psycopg.Connection, name: str) -> None:
        self.id = str(uuid.uuid4())
        email = f"{name}-{self.id}@example.com"
        operator.execute("insert into auth.users (id, email) values (%s, %s)", (self.id, email))
        claims = {
            "sub": self.id,
            "aud": "authenticated",
            "role": "authenticated",
            "email": email,
            "exp": int(time.time()) + 3600,
        }
        token = jwt.encode(claims, stack.addresses["jwt_secret"], algorithm="HS256")
        # Whoever waits so long hangs.
        self.http = httpx.Client(
            base_url=stack.addresses["functions_url"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )

    def load(self, target: str) -> tuple[int, int | str, str]:
        """Status, version or code, and where it was answered from, which no refusal says."""
        answer = self.http.get(target)
        said = answer.json()
        source = answer.headers.get("x-cache", REFUSED)
        return answer.status_code, said.get("version", said.get("error")), source

    def save(self, target: str, base_version: int, **headers: str) -> httpx.Response:
        """Save a version that is told by its number."""
        headers = {"If-Match": f'"{base_version}"'} | headers
        body = {"document": small(n=base_version + 1)}
        return self.http.put(target, json=body, headers=headers)

    def create(self) -> str:
        """Create a composition; returns where it is."""
        body = {"title": "Library", "document": small(n=1)}
        answer = self.http.post("/v1/compositions", json=body)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def share(self, target: str, other: Person) -> httpx.Response:
        """Have somebody view it."""
        return self.http.put(f"{target}/shares/{other.id}", json={"role": "viewer"})


@pytest.fixture
def people(broken: Stack, operator: psycopg.Connection) -> Iterator[Callable[[str], Person]]:
    made: list[Person] = []

    def make(name: str) -> Person:
        made.append(Person(broken, operator, name))
        return made[-1]

    yield make
    for person in made:
        person.http.close()


@pytest.fixture
def ann(people: Callable[[str], Person]) -> Person:
    return people("ann")


@pytest.fixture
def ben(people: Callable[[str], Person]) -> Person:
    return people("ben")


def cached(person: Person, target: str, status: int, version: int | str) -> None:
    """Have a load in the cache, once those that were not are known of."""
    source = "hit" if status == 200 else REFUSED
    wait_until(lambda: person.load(target) == (status, version, source))


def webhooks(operator: psycopg.Connection) -> list[tuple[int, str | None]]:
    """Status and code of what the webhook has answered."""
    return operator.execute(
        "select r.status_code, r.content::jsonb ->> 'error' from net._http_response as r"
    ).fetchall()


def version_in_database(operator: psycopg.Connection, target: str) -> int:
    id = target.rpartition("/")[2]
    row = operator.execute(
        "select c.current_version from public.user_compositions as c where c.id = %s", (id,)
    ).fetchone()
    assert row is not None
    return int(row[0])


@contextlib.contextmanager
def full(stack: Stack, part: str) -> Iterator[None]:
    """Redis refuses: it has no memory left, and may evict nothing."""
    state = json.loads((stack.logs.parent / "stack.json").read_text())
    port, password = state["ports"][part], state["valkey_password"]
    with redis.Redis(port=port, password=password) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", "256mb")
            client.config_set("maxmemory-policy", "volatile-random")


OUTAGES = {
    "Redis is killed": (Stack.killed, "valkey"),
    "Redis hangs": (Stack.hanging, "valkey"),
    "Redis is full": (full, "valkey"),
    "nobody listens": (Stack.killed, "bridge"),
    "nobody answers": (Stack.hanging, "bridge"),
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_without_redis_loads_are_right_and_writes_are_in_force(
    broken, operator, outbox, ann, ben, outage
):
    break_it, part = OUTAGES[outage]
    target = ann.create()
    cached(ann, target, 200, 1)
    cached(ben, target, 404, "composition_not_found")
    before = ann.http.get(target)
    nothing = f"/v1/compositions/{uuid.uuid4()}"

    with break_it(broken, part):
        # More than it takes to open the breaker.
        for _ in range(5):
            assert ann.load(target) == (200, 1, "bypass")
        assert ann.http.get(target).content == before.content
        assert ben.load(target) == (404, "composition_not_found", REFUSED)
        assert ann.load(nothing) == (404, "composition_not_found", REFUSED)
        known = {"If-None-Match": before.headers["etag"]}
        assert ann.http.get(target, headers=known).status_code == 304

        for saved in (ann.save(target, 1), ann.share(target, ben)):
            assert (saved.status_code, saved.headers["x-cache"]) == (202, "pending")
        assert ann.save(target, 1).status_code == 412
        assert version_in_database(operator, target) == 2
        assert ann.load(target) == ben.load(target) == (200, 2, "bypass")
        # What was not unlinked is not acknowledged, neither by the webhook nor by the sweep.
        assert outbox.ids()

    def is_hit(person: Person) -> bool:
        is_pending = bool(outbox.ids())
        status, version, source = person.load(target)
        # 202 promises no more: until the outbox is delivered, the cache may be what it was.
        assert (status, version) == (200, 2) or (is_pending and source == "hit"), version
        return (version, source) == (2, "hit")

    outbox.fall_due()
    wait_until(lambda: is_hit(ann))
    wait_until(lambda: is_hit(ben))
    wait_until(lambda: not outbox.ids())
    assert ann.save(target, 2).status_code == 200
    assert ann.load(target)[:2] == ben.load(target)[:2] == (200, 3)


def test_without_redis_the_webhook_acknowledges_nothing_and_the_sweep_delivers(
    broken, operator, outbox, ann
):
    target = ann.create()
    cached(ann, target, 200, 1)
    wait_until(lambda: not outbox.ids())
    with broken.killed("valkey"):
        operator.execute(
            "update public.user_compositions set title = 'Another' where id = %s",
            (target.rpartition("/")[2],),
        )
        (id,) = outbox.ids()

        wait_until(lambda: (503, "cache_unavailable") in webhooks(operator))

        def was_swept_twice() -> bool:
            outbox.fall_due()
            return max(outbox.attempts(), default=2) >= 2

        wait_until(was_swept_twice)
        assert outbox.ids() == [id]
    outbox.fall_due()
    wait_until(lambda: not outbox.ids())
    cached(ann, target, 200, 1)
    assert ann.http.get(target).json()["title"] == "Another"


def test_without_postgrest_what_is_cached_is_answered_and_all_else_is_503(
    broken, operator, people, ann, ben
):
    target, other = ann.create(), ann.create()
    cached(ann, target, 200, 1)
    cached(ben, target, 404, "composition_not_found")
    before = ann.http.get(target)

    with broken.killed("postgrest"):
        for _ in range(3):
            load = ann.http.get(target)
            assert (load.content, load.headers["x-cache"]) == (before.content, "hit")
            assert ben.load(target) == (404, "composition_not_found", REFUSED)
        known = {"If-None-Match": before.headers["etag"]}
        assert ann.http.get(target, headers=known).status_code == 304
        assert people("cleo").load(target) == (503, "database_unavailable", REFUSED)

        refused = [
            ann.http.get(other),
            ann.http.get(f"{target}/versions"),
            ann.http.get("/v1/compositions"),
            ann.http.post("/v1/compositions", json={"title": "T", "document": small()}),
            ann.save(other, 1),
            ann.share(other, ben),
        ]
        for answer in refused:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json().keys() == {"error", "message", "hint"}
            assert answer.json()["error"] == "database_unavailable"
        # Nobody can say whether that was saved, so nobody is shown what was before it.
        assert ann.load(other) == (503, "database_unavailable", REFUSED)
        assert ann.load(target) == (200, 1, "hit")
        assert version_in_database(operator, other) == 1

    wait_until(lambda: ann.load(other)[:2] == (200, 1))
    assert ben.load(other)[:2] == (404, "composition_not_found")
    assert ann.save(other, 1).status_code == 200
    assert ann.load(other)[:2] == (200, 2)


def test_a_postgrest_that_hangs_is_given_up_and_what_it_did_then_is_seen(
    broken, operator, ann, ben
):
    target = ann.create()
    cached(ann, target, 200, 1)
    key = {"Idempotency-Key": "one"}
    with broken.hanging("postgrest"):
        assert ann.load(target) == (200, 1, "hit")
        assert ben.load(target) == (503, "database_unavailable", REFUSED)
        saved = ann.save(target, 1, **key)
        assert (saved.status_code, saved.json()["error"]) == (503, "database_unavailable")
    assert ann.load(target)[2] == "bypass"

    # It has been saved by now, or is saved yet, or never: what is loaded was there meanwhile.
    def is_saved() -> bool:
        least = version_in_database(operator, target)
        status, version, _ = ann.load(target)
        assert status == 200
        assert least <= int(version) <= version_in_database(operator, target)
        repeated = ann.save(target, 1, **key)
        return bool(repeated.is_success and repeated.json()["version"] == 2)

    wait_until(is_saved)
    assert version_in_database(operator, target) == 2
    cached(ann, target, 200, 2)


def test_a_worker_that_dies_fails_one_call_and_none_after_it(broken, operator, outbox, ann):
    target = ann.create()
    cached(ann, target, 200, 1)

    def kill_workers() -> None:
        for pid in descendants(broken.pid("functions")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    kill_workers()
    wait_until(lambda: ann.http.get(target).status_code == 200)

    with psycopg.connect(broken.addresses["database_url"]) as other, ThreadPoolExecutor(1) as aside:
        other.execute(
            "select from public.user_compositions as c where c.id = %s for update",
            (target.rpartition("/")[2],),
        )
        saving = aside.submit(ann.save, target, 1)
        wait_until(lambda: waits(operator))
        kill_workers()
        assert saving.result().status_code == 502
        # Nobody has ended the write; what it locks out stays so.
        assert ann.load(target) == (200, 1, "bypass")

    wait_until(lambda: version_in_database(operator, target) == 2)
    wait_until(lambda: ann.load(target)[:2] == (200, 2))
    assert ann.save(target, 2).status_code == 200


def waits(operator: psycopg.Connection) -> Any:
    """Whether somebody waits for a lock."""
    return operator.execute("select l.pid from pg_locks as l where not l.granted").fetchone()
