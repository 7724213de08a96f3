"""The jobs: what webhooks lost is swept up, what is popular is warm, what is wrong is found."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import brotli
import jwt
import psycopg
import pytest
import redis

from devstack.stack import Addresses
from functions.core import keys
from functions.core.cache import Entry, Filled, Hit, Miss
from functions.core.database import Answer, Verbatim
from functions.core.loop import run
from functions.core.parts import Parts
from functions.core.problems import DatabaseProblem
from functions.jobs.handler import audit, sweep, warm
from tests.functions.events import Time

ID = uuid.UUID("00000000-0000-4000-8000-00000000c0de")


class Person(NamedTuple):
    """Somebody signed in, as the cache and the database know them."""

    token: str
    user_id: uuid.UUID
    fingerprint: str = "0" * 32


@pytest.fixture
def people(sign_up: Callable[[str], str]) -> Callable[..., list[Person]]:
    def make(*names: str) -> list[Person]:
        tokens = [sign_up(name) for name in names]
        return [Person(token, uuid.UUID(subject(token))) for token in tokens]

    return make


def subject(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return str(claims["sub"])


@pytest.fixture(autouse=True)
def its(deployed: Callable[..., Parts], store: redis.Redis) -> Parts:
    return deployed()


def test_a_sweep_delivers_all_that_is_due(its, outbox, store):
    ids = [uuid.uuid4() for _ in range(3)]
    names = [keys.composition_key(its.settings.cache_prefix, id) for id in ids]
    for id, name in zip(ids, names, strict=True):
        outbox.note(id, due=True)
        store.hset(name, "g", "lease")
    fresh = outbox.note(ID)

    report = sweep({}, Time())
    assert (report["delivered"], report["pending_cleared"], report["stopped"]) == (3, True, None)
    assert 0 <= report["lag_ms"]["p50"] <= report["lag_ms"]["p95"] <= report["lag_ms"]["max"]
    assert store.exists(*names) == 0
    assert outbox.ids() == [fresh["id"]], "what is fresh is the webhook's"


def test_a_sweep_takes_more_than_the_database_hands_out_at_once(outbox):
    outbox.note_many(1200)
    assert sweep({}, Time())["delivered"] == 1200
    assert outbox.ids() == []


def test_where_nothing_is_due_a_sweep_says_so(outbox, capsys):
    assert sweep({}, Time()) == {
        "delivered": 0,
        "pending_cleared": True,
        "lag_ms": None,
        "stopped": None,
    }
    assert [json.loads(line)["job"] for line in capsys.readouterr().out.splitlines()] == ["sweep"]


def test_the_lag_of_a_sweep_is_measured(outbox, capsys):
    outbox.note_many(150)
    sweep({}, Time())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lags = [lag for line in lines for lag in line.get("InvalidationLag", [])]
    assert len(lags) == 150


def test_a_sweep_stops_when_the_cache_does_not_answer_and_acknowledges_nothing(outbox, deployed):
    outbox.note_many(600)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        deployed(UPSTASH_REDIS_REST_URL=url, CACHE_DEADLINE_SECONDS="0.1")
        report = sweep({}, Time())
    assert (report["delivered"], report["pending_cleared"]) == (0, False)
    assert report["stopped"] == "cache_unavailable"
    assert len(outbox.ids()) == 600
    assert outbox.attempts() == {0: 100, 1: 500}


def test_what_a_sweep_could_not_deliver_the_next_one_does(outbox, deployed):
    outbox.note(ID, due=True)
    deployed(UPSTASH_REDIS_REST_URL="http://127.0.0.1:9")
    assert sweep({}, Time())["stopped"] == "cache_unavailable"
    deployed()
    assert sweep({}, Time())["delivered"] == 0
    outbox.fall_due()
    assert sweep({}, Time())["delivered"] == 1
    assert outbox.ids() == []


def test_a_sweep_without_a_database_ends_well(deployed):
    deployed(SUPABASE_URL="http://127.0.0.1:9")
    report = sweep({}, Time())
    assert (report["pending_cleared"], report["stopped"]) == (False, "database_unavailable")


def test_a_sweep_that_is_refused_fails(outbox, deployed):
    # Whoever set the wrong key has to see that.
    deployed(SUPABASE_SERVICE_ROLE_KEY=deployed().settings.supabase_anon_key)
    with pytest.raises(DatabaseProblem):
        sweep({}, Time())


@pytest.mark.parametrize("job", [sweep, warm, audit])
def test_a_job_ends_before_its_time_is_over(job, its, people, deployed):
    (ann,) = people("ann")
    cached_load(its, ann, create(its, ann))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deployed(SUPABASE_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        time = Time(1.5)
        assert job({"for_seconds": 60}, time)["stopped"] == "out_of_time"
    assert 0 < time.get_remaining_time_in_millis() <= 1000


def test_a_sweep_that_goes_on_looking_delivers_what_comes_meanwhile(outbox):
    later = threading.Timer(0.5, outbox.note_many, [3])
    later.start()
    report = sweep({"for_seconds": 3}, Time())
    later.join()
    assert report["delivered"] == 3


def create(its: Parts, owner: Person, viewers: Sequence[Person] = ()) -> uuid.UUID:
    """A composition of somebody, shared with others."""
    document = Verbatim(b'{"format": "composition/1", "dialect": "json", "body": {"price": 1.10}}')
    made = load(its, owner, "create_composition", title="Shop", document=document).json()
    id = made["composition_id"]
    for viewer in viewers:
        load(
            its,
            owner,
            "share_composition",
            composition_id=id,
            user_id=viewer.user_id,
            role="viewer",
        )
    return uuid.UUID(id)


def load(its: Parts, person: Person, function: str, **arguments: Any) -> Answer:
    return run(its.database.call(function, person.token, **arguments))


def cached_load(its: Parts, person: Person, id: uuid.UUID) -> str:
    """Load as the API does, and cache it; returns the etag."""
    read = run(its.cache.read(id, person))
    assert isinstance(read, Miss)
    answer = load(its, person, "load_composition", composition_id=id)
    etag: str = answer.json()["etag"]
    filled = run(its.cache.fill(read.lease, etag, b"", brotli.compress(answer.body)))
    assert isinstance(filled, Filled)
    return etag


def test_the_popular_are_warm_for_viewers_to_the_byte(its, people):
    ann, ben = people("ann", "ben")
    id = create(its, ann, [ben])
    cached_load(its, ann, id)
    run(its.cache.unlink([id]))

    report = warm({}, Time())
    assert (report["recorded"], report["stopped"]) == (1, None)
    assert report["warmed"] == report["popular"] >= 1

    # Ben has never asked before; the database has only to name the etag.
    read = run(its.cache.read(id, ben))
    assert isinstance(read, Miss)
    answer = load(its, ben, "load_composition", composition_id=id)
    assert read.held_etags == [answer.json()["etag"]]
    filled = run(its.cache.fill(read.lease, read.held_etags[0], b"", None))
    assert isinstance(filled, Filled) and filled.body is not None
    assert brotli.decompress(filled.body) == answer.body
    assert b"1.10" in answer.body


def test_loads_and_hits_are_recorded_once(its, people, counted):
    (ann,) = people("ann")
    id = create(its, ann)
    cached_load(its, ann, id)
    assert [type(run(its.cache.read(id, ann))) for _ in range(3)] == [Hit] * 3

    warm({}, Time())
    assert counted(id) == (4, 3)
    warm({}, Time())
    assert counted(id) == (4, 3)


def test_without_a_cache_nothing_is_loaded_to_warm_it(deployed):
    deployed(UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN="")
    assert warm({}, Time())["stopped"] == "no_cache"


@pytest.mark.parametrize(
    ("variable", "stopped"),
    [
        ("UPSTASH_REDIS_REST_URL", "cache_unavailable"),
        ("SUPABASE_URL", "database_unavailable"),
    ],
)
@pytest.mark.parametrize("job", [warm, audit])
def test_a_job_that_cannot_go_on_ends_well(job, variable, stopped, its, people, deployed):
    (ann,) = people("ann")
    cached_load(its, ann, create(its, ann))
    deployed(**{variable: "http://127.0.0.1:9"})
    assert job({}, Time())["stopped"] == stopped


def test_what_is_cached_as_the_database_answers_is_no_mismatch(its, people, capsys):
    ann, ben = people("ann", "ben")
    id = create(its, ann)
    cached_load(its, ann, id)
    read = run(its.cache.read(id, ben))
    assert isinstance(read, Miss)
    run(its.cache.fill_absent(read.lease))

    assert audit({}, Time()) == {
        "checked": 2,
        "overtaken": 0,
        "mismatches": 0,
        "repaired": 0,
        "named": [],
        "stopped": None,
    }
    metric, report = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (metric["AuditChecked"], metric["AuditMismatches"]) == (2, 0)
    assert report["job"] == "audit"


@pytest.fixture
def stale(its: Parts, people: Callable[..., list[Person]], addresses: Addresses) -> Entry:
    """What was answered somebody who has lost the right since, which nobody has told the cache."""
    ann, ben = people("ann", "ben")
    id = create(its, ann, [ben])
    etag = cached_load(its, ben, id)
    with psycopg.connect(addresses["database_url"], autocommit=True) as operator:
        operator.execute("delete from public.shared_compositions where composition_id = %s", [id])
    return Entry(id, ben.user_id, ben.fingerprint, etag)


def test_what_the_cache_was_never_told_is_found_and_repaired(its, stale, capsys):
    report = audit({"patience_seconds": 0}, Time())
    assert (report["checked"], report["mismatches"], report["repaired"]) == (1, 1, 1)
    assert report["named"] == [
        {"composition_id": str(stale.composition_id), "user_id": str(stale.user_id)}
    ]
    assert run(its.cache.peek(stale)) is None
    assert json.loads(capsys.readouterr().out.splitlines()[0])["AuditMismatches"] == 1
    assert audit({}, Time())["checked"] == 0


def test_what_the_cache_is_told_while_the_audit_looks_is_no_mismatch(its, stale, store):
    key = keys.composition_key(its.settings.cache_prefix, stale.composition_id)
    later = threading.Timer(0.5, store.unlink, [key])
    later.start()
    report = audit({"patience_seconds": 30}, Time())
    later.join()
    assert (report["checked"], report["overtaken"], report["mismatches"]) == (1, 1, 0)


def test_an_audit_that_has_no_time_to_look_twice_counts_nothing(stale):
    report = audit({"patience_seconds": 30}, Time(1.5))
    assert (report["mismatches"], report["stopped"]) == (0, "out_of_time")


@pytest.fixture
def counted(addresses: Addresses) -> Callable[[uuid.UUID], tuple[int, int]]:
    """Loads and hits that are recorded."""

    def count(id: uuid.UUID) -> tuple[int, int]:
        with psycopg.connect(addresses["database_url"]) as operator:
            row = operator.execute(
                "select u.loads, u.hits from public.composition_usage as u "
                "where u.composition_id = %s",
                [id],
            ).fetchone()
        assert row is not None
        return row[0], row[1]

    return count
