"""The parts around the database together, with handlers of the tests as functions."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
import upstash_redis

from devstack.own import Redis, Supabase
from devstack.packages import StackError
from devstack.stack import CACHED, Stack
from devstack.workers import Function
from tests.devstack.conftest import Command, running, wait_until

Up = Callable[..., Command]
ECHO = "tests.devstack.handlers.echo"
FUNCTIONS = {
    "api": Function(ECHO),
    "webhook": Function("tests.devstack.handlers.note"),
    "tick": Function("tests.devstack.handlers.note", url=False),
}


@pytest.fixture(scope="module")
def whole() -> Iterator[Stack]:
    with Stack(
        functions=FUNCTIONS, environment={"GREETING": "hello"}, rates={"tick": 0.5}
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


def environment(stack: Stack, http: httpx.Client) -> Any:
    """What a function finds in its own."""
    return http.get(stack.addresses["functions_url"]).json()["environment"]


def people_are_served(stack: Stack, http: httpx.Client) -> bool:
    """Whether somebody can sign up and list what is theirs."""
    url, headers = stack.addresses["supabase_url"], {"apikey": stack.addresses["anon_key"]}
    person = {"email": f"{uuid.uuid4()}@example.com", "password": "a long secret"}
    session = http.post(f"{url}/auth/v1/signup", json=person, headers=headers)
    if session.is_error:
        return False
    headers["authorization"] = f"Bearer {session.json()['access_token']}"
    mine = http.post(f"{url}/rest/v1/rpc/list_my_compositions", json={}, headers=headers)
    return mine.is_success


def noted(stack: Stack) -> list[Any]:
    """Events that the function `note` was called with: it prints them."""
    log = stack.logs / "functions.log"
    lines = log.read_text().splitlines()
    return [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("noted ")]


def redis(stack: Stack) -> upstash_redis.Redis:
    url, token = stack.addresses["redis_rest_url"], stack.addresses["redis_rest_token"]
    return upstash_redis.Redis(url, token, rest_retries=0, allow_telemetry=False)


def test_the_functions_find_all_they_need(whole: Stack, http: httpx.Client) -> None:
    addresses, found = whole.addresses, environment(whole, http)
    assert found["GREETING"] == "hello"
    assert found["SUPABASE_URL"] == addresses["supabase_url"]
    assert found["SUPABASE_ANON_KEY"] == addresses["anon_key"]
    assert found["SUPABASE_SERVICE_ROLE_KEY"] == addresses["service_role_key"]
    assert found["SUPABASE_JWT_SECRET"] == addresses["jwt_secret"]
    assert found["SUPABASE_JWT_ISSUER"] == ""
    assert found["UPSTASH_REDIS_REST_URL"] == addresses["redis_rest_url"]
    assert found["UPSTASH_REDIS_REST_TOKEN"] == addresses["redis_rest_token"]
    assert len(found["WEBHOOK_SECRETS"]) >= 32
    assert set(addresses["pids"]) == {"postgres", "auth", "postgrest", "gateway"} | CACHED
    assert addresses["webhook_url"].endswith("/webhooks/database")


def test_the_schedule_calls_at_its_rate(whole: Stack) -> None:
    def ticks() -> int:
        return sum(event == {} for event in noted(whole))

    before = ticks()
    wait_until(lambda: ticks() >= before + 2)


def test_what_the_database_posts_reaches_the_webhook(whole: Stack) -> None:
    def post(body: str) -> None:
        with psycopg.connect(whole.addresses["database_url"]) as database:
            database.execute(
                "select net.http_post(%s, %s::jsonb)", [whole.addresses["webhook_url"], body]
            )

    post('{"text":   "é"}')
    wait_until(lambda: any("rawPath" in event for event in noted(whole)))
    (event,) = (event for event in noted(whole) if "rawPath" in event)
    assert event["rawPath"] == "/webhooks/database"
    assert (event["body"], event["isBase64Encoded"]) == ('{"text": "é"}', False)


@pytest.mark.parametrize(
    "name",
    ["valkey", "bridge", "functions", "webhooks", "scheduler", "postgrest", "auth", "gateway"]
    + ["postgres"],
)
def test_a_part_is_taken_down_alone_and_comes_back_where_it_was(
    whole: Stack, http: httpx.Client, name: str
) -> None:
    before = {key: value for key, value in whole.addresses.items() if key != "pids"}
    pid = whole.pid(name)
    others = set(whole.addresses["pids"].values()) - {pid}
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not running({pid}))
    assert running(others) == others

    whole.restart(name)

    assert whole.addresses == {**before, "pids": whole.addresses["pids"]}
    assert set(whole.addresses["pids"].values()) == others | {whole.pid(name)} != others | {pid}
    with redis(whole) as client:
        assert client.set("key", "value")
    assert environment(whole, http)["GREETING"] == "hello"
    # PostgREST and auth find Postgres again by themselves.
    wait_until(lambda: people_are_served(whole, http))


def test_parts_of_the_users_own_are_used_instead(whole: Stack, http: httpx.Client) -> None:
    addresses = whole.addresses
    supabase = Supabase(
        "https://project.example", "anon", "service", None, addresses["database_url"]
    )
    own = Redis(addresses["redis_rest_url"], addresses["redis_rest_token"])
    with Stack(
        functions={"api": FUNCTIONS["api"]}, rates={}, supabase=supabase, redis=own
    ) as other:
        assert set(other.addresses["pids"]) == {"functions", "scheduler"}
        assert other.addresses["supabase_url"] == "https://project.example"
        assert "jwt_secret" not in other.addresses
        assert "webhook_url" not in other.addresses
        found = environment(other, http)
        assert (found["SUPABASE_URL"], found["SUPABASE_ANON_KEY"]) == supabase[:2]
        assert "SUPABASE_JWT_SECRET" not in found and "SUPABASE_JWT_ISSUER" not in found
        assert (found["UPSTASH_REDIS_REST_URL"], found["UPSTASH_REDIS_REST_TOKEN"]) == own


def test_the_environment_names_them() -> None:
    names = {"SUPABASE_URL": "http://a/", "SUPABASE_ANON_KEY": "b", "UPSTASH_REDIS_REST_URL": "c"}
    with pytest.raises(StackError, match="SUPABASE_SERVICE_ROLE_KEY"):
        Supabase.of(names)
    with pytest.raises(StackError, match="UPSTASH_REDIS_REST_TOKEN"):
        Redis.of(names)
    names |= {"SUPABASE_SERVICE_ROLE_KEY": "d", "UPSTASH_REDIS_REST_TOKEN": "e"}
    assert Supabase.of(names) == Supabase("http://a", "b", "d", None, None)
    assert Redis.of(names) == Redis("c", "e")
    assert Supabase.of({}) is None and Redis.of({}) is None


def test_parts_that_are_left_out_leave_no_address(stack: Stack) -> None:
    assert set(stack.addresses["pids"]) == {"postgres", "auth", "postgrest", "gateway"}
    assert {
        key for key in stack.addresses if key.startswith(("functions", "webhook", "redis"))
    } == (set())
    with psycopg.connect(stack.addresses["database_url"]) as database:
        assert database.execute("select to_regnamespace('net')").fetchone() == (None,)
