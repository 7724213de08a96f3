"""The bridge as Upstash's own client and a plain one see it, on a real Valkey."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import upstash_redis
import upstash_redis.asyncio
from upstash_redis.errors import UpstashError

from devstack import bridge, valkey
from devstack.processes import Server

TOKEN = "token-of-the-tests"
SCRIPT = "#!lua flags=allow-key-locking\nreturn {KEYS[1], redis.call('incr', KEYS[1])}"
SHA = hashlib.sha1(SCRIPT.encode()).hexdigest()


class Redis(NamedTuple):
    """Valkey and the bridge in front of it."""

    valkey: Server
    bridge: Server
    url: str


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    folder = tmp_path_factory.mktemp("redis")
    store = valkey.start(folder / "valkey", "password", logs=folder)
    front = bridge.start(store.port, "password", TOKEN, logs=folder)
    try:
        for server in (store, front):
            server.wait(threading.Event())
        yield Redis(store, front, f"http://127.0.0.1:{front.port}")
    finally:
        front.stop()
        store.stop()


@pytest.fixture(scope="module")
def caller(redis: Redis) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=redis.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def http(caller: httpx.Client) -> httpx.Client:
    """A caller who knows the token; every test starts with nothing stored."""
    caller.post("/pipeline", json=[["FLUSHALL"], ["SCRIPT", "FLUSH"]]).raise_for_status()
    return caller


@pytest.fixture
def client(redis: Redis, http: httpx.Client) -> Iterator[upstash_redis.Redis]:
    with upstash_redis.Redis(redis.url, TOKEN, allow_telemetry=False, rest_retries=0) as client:
        yield client


def test_the_client_of_upstash_stores_and_reads(client: upstash_redis.Redis) -> None:
    assert client.set("key", "välue ☃", ex=60)
    assert client.get("key") == "välue ☃"
    assert client.get("absent") is None
    assert client.hset("hash", values={"a": "1", "b": "2"}) == 2
    assert client.hgetall("hash") == {"a": "1", "b": "2"}
    assert client.incrby("number", 41) == 41
    assert client.delete("key", "hash") == 2
    with pytest.raises(UpstashError, match=r"^WRONGTYPE "):
        client.lpush("number", "x")


@pytest.mark.parametrize("encoding", ["base64", None])
def test_the_asyncio_client_works_in_both_encodings(
    redis: Redis, http: httpx.Client, encoding: Any
) -> None:
    async def play() -> None:
        async with upstash_redis.asyncio.Redis(
            redis.url, TOKEN, encoding, allow_telemetry=False, rest_retries=0
        ) as client:
            pipeline = client.pipeline()
            pipeline.set("a", "ä")
            pipeline.get("a")
            pipeline.mget("a", "absent")
            assert await pipeline.exec() == [True, "ä", ["ä", None]]
            many = client.multi()
            many.incr("n")
            many.incr("n")
            assert await many.exec() == [1, 2]
            assert await client.eval("return {1, ARGV[1], false}", args=["OK"]) == [1, "OK", None]

    asyncio.run(play())


def test_a_script_with_the_flag_is_known_by_its_own_hash(
    redis: Redis, client: upstash_redis.Redis
) -> None:
    with pytest.raises(UpstashError, match=r"^NOSCRIPT "):
        client.evalsha(SHA, keys=["n"])
    assert client.eval(SCRIPT, keys=["n"]) == ["n", 1]
    assert client.evalsha(SHA.upper(), keys=["n"]) == ["n", 2]
    assert client.script_exists(SHA, "0" * 40) == [True, False]
    client.script_flush()
    with pytest.raises(UpstashError, match=r"^NOSCRIPT "):
        client.evalsha(SHA, keys=["n"])
    assert client.script_load(SCRIPT) == SHA
    assert client.evalsha(SHA, keys=["n"]) == ["n", 3]


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("return 'no flag'", "no flag"),
        ("#!lua flags=no-writes,allow-key-locking\nreturn 'two flags'", "two flags"),
        ("#!lua flags=allow-key-locking,no-writes\r\nreturn 'and a line end'", "and a line end"),
        ("#!lua\nreturn 'flags=allow-key-locking'", "flags=allow-key-locking"),
    ],
)
def test_only_the_flag_is_taken_from_a_script(http: httpx.Client, script: str, answer: str) -> None:
    sha = hashlib.sha1(script.encode()).hexdigest()
    load = http.post("/multi-exec", json=[["SCRIPT", "LOAD", script], ["EVALSHA", sha, "0"]])
    assert load.json() == [{"result": sha}, {"result": answer}]


def test_a_script_that_writes_keeps_the_flag_that_forbids_it(http: httpx.Client) -> None:
    script = "#!lua flags=no-writes,allow-key-locking\nreturn redis.call('set', KEYS[1], 1)"
    refused = http.post("/", json=["EVAL", script, "1", "key"])
    assert refused.status_code == 400
    assert "read-only" in refused.json()["error"]


def test_bytes_go_in_and_come_out_as_they_are(http: httpx.Client) -> None:
    body = bytes(range(256)) * 5_000 + b"\r\n$-1\r\n"
    assert http.post("/set/key", content=body).json() == {"result": "OK"}

    raw = {"Upstash-Response-Format": "resp2"}
    assert http.get("/get/key", headers=raw).content == b"$%d\r\n%b\r\n" % (len(body), body)
    encoded = http.get("/get/key", headers={"Upstash-Encoding": "base64"}).json()
    assert base64.b64decode(encoded["result"]) == body
    assert http.post("/strlen/key").json() == {"result": len(body)}


def test_resp2_is_what_valkey_said(http: httpx.Client) -> None:
    raw = {"Upstash-Response-Format": "resp2"}

    def ask(path: str, command: list[Any]) -> tuple[int, bytes]:
        answer = http.post(path, json=command, headers=raw)
        return answer.status_code, answer.content

    assert ask("/", ["SET", "key", "OK"]) == (200, b"+OK\r\n")
    assert ask("/", ["GET", "key"]) == (200, b"$2\r\nOK\r\n")
    assert ask("/", ["GET", "absent"]) == (200, b"$-1\r\n")
    assert ask("/", ["EVALSHA", "0" * 40, "0"])[0] == 400
    assert ask("/", ["EVALSHA", "0" * 40, "0"])[1].startswith(b"-NOSCRIPT ")
    assert ask("/", ["EVAL", "return {1, {'a', false}, {}}", "0"]) == (
        200,
        b"*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n*0\r\n",
    )
    assert ask("/pipeline", [["PING"], ["GET", "key"]]) == (200, b"+PONG\r\n$2\r\nOK\r\n")
    assert ask("/multi-exec", [["PING"], ["GET", "key"]]) == (
        200,
        b"*2\r\n+PONG\r\n$2\r\nOK\r\n",
    )
    assert ask("/", ["SCRIPT", "LOAD", SCRIPT]) == (200, b"$40\r\n%s\r\n" % SHA.encode())


def test_a_pipeline_goes_on_after_an_error_and_a_transaction_does_not_start(
    http: httpx.Client,
) -> None:
    commands = [["SET", "a", "1"], ["LPUSH", "a", "x"], ["INCR", "a"]]
    for path in ("/pipeline", "/multi-exec"):
        answers = http.post(path, json=commands)
        assert answers.status_code == 200
        first, second, third = answers.json()
        assert (first, third) == ({"result": "OK"}, {"result": 2})
        assert second["error"].startswith("WRONGTYPE ")

    unknown = http.post("/multi-exec", json=[["SET", "a", "changed"], ["NO-SUCH-COMMAND"]])
    assert unknown.status_code == 400
    assert unknown.json()["error"].startswith("EXECABORT ")
    assert http.get("/get/a").json() == {"result": "2"}


def test_the_path_the_body_and_the_query_make_a_command(http: httpx.Client) -> None:
    assert http.post("/set/a%2Fb?EX=60&NX", content=b"v").json() == {"result": "OK"}
    assert http.get("/get/a%2Fb").json() == {"result": "v"}
    assert http.get("/ttl/a%2Fb").json()["result"] in (59, 60)
    assert http.put("/append/a%2Fb/", content=b"%2F").json() == {"result": 4}
    assert http.get("/get/a%2Fb").json() == {"result": "v%2F"}
    assert http.head("/get/a%2Fb").status_code == 200
    by_query = http.get(f"/get/a%2Fb?_token={TOKEN}", headers={"Authorization": ""})
    assert by_query.json() == {"result": "v%2F"}


def test_numbers_are_stored_as_they_were_written(http: httpx.Client) -> None:
    body = b'["RPUSH", "l", 1, 1.50, 1e400, 9007199254740993, true, false, "\\u00e4"]'
    http.post("/", content=body).raise_for_status()
    stored = ["1", "1.50", "1e400", "9007199254740993", "true", "false", "ä"]
    assert http.get("/lrange/l/0/-1").json() == {"result": stored}


@pytest.mark.parametrize(
    "token", ["", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "\xff"]
)
@pytest.mark.parametrize("path", ["/", "/pipeline", "/get/key", "/get/key?_token=wrong"])
def test_nothing_is_answered_without_the_token(http: httpx.Client, token: str, path: str) -> None:
    headers = {b"Authorization": token.encode("latin-1")}
    refused = http.post(path, headers=headers, json=[["PING"]])
    assert refused.status_code == 401
    assert refused.json()["error"].startswith("WRONGPASS ")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", b""),
        ("/", b"{"),
        ("/", b"[]"),
        ("/", b'"PING"'),
        ("/", b'{"PING": 1}'),
        ("/", b'["SET", "key", null]'),
        ("/", b'["SET", "key", {"a": 1}]'),
        ("/", b'["SET", "key", NaN]'),
        ("/", b'["SET", "key", "\\ud800"]'),
        ("/", b"[" * 100_000),
        ("/", b'["SET", "\xff"]'),
        ("/pipeline", b""),
        ("/pipeline", b"[]"),
        ("/pipeline", b'["PING"]'),
        ("/multi-exec", b'[["PING"], []]'),
        ("/multi-exec", b'[["MULTI"]]'),
        ("/multi-exec", b'[["DISCARD"]]'),
        ("/", b'["blpop", "list", 0]'),
        ("/", b'["XREAD", "Block", 0, "STREAMS", "s", "$"]'),
        ("/", b'["SUBSCRIBE", "news"]'),
        ("/", b'["HELLO", 3]'),
        ("/client/reply/off", b""),
        ("/shutdown", b""),
        ("/nonsense%0d%0aflushall", b""),
    ],
)
def test_what_upstash_would_not_take_is_refused_and_harms_nobody(
    http: httpx.Client, path: str, body: bytes
) -> None:
    refused = http.post(path, content=body)
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("ERR ")
    assert http.post("/", json=["ECHO", "still here"]).json() == {"result": "still here"}


def test_other_methods_are_refused(http: httpx.Client) -> None:
    assert http.delete("/del/key").status_code == 405


def test_more_than_10_mb_are_refused_and_a_little_less_is_not(http: httpx.Client) -> None:
    assert http.post("/set/key", content=b"x" * (10 * 1024 * 1024)).status_code == 200
    refused = http.post("/set/key", content=b"x" * (10 * 1024 * 1024 + 1))
    assert refused.status_code == 400
    assert "max request size exceeded" in refused.json()["error"]


def test_many_callers_at_once_get_their_own_answers(redis: Redis, http: httpx.Client) -> None:
    async def play() -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=redis.url, headers=headers, timeout=30) as client:

            async def caller(number: int) -> None:
                value = f"{number}-" * (number * 97)
                for _ in range(5):
                    echoed = await client.post("/", json=["ECHO", value])
                    assert echoed.json() == {"result": value}

            await asyncio.gather(*(caller(number) for number in range(20)))

    asyncio.run(play())


def test_a_caller_who_leaves_takes_nothing_from_the_next(redis: Redis, http: httpx.Client) -> None:
    os.kill(redis.valkey.part.pid, signal.SIGSTOP)
    try:
        with pytest.raises(httpx.ReadTimeout):
            http.post("/", json=["ECHO", "late"], timeout=0.2)
    finally:
        os.kill(redis.valkey.part.pid, signal.SIGCONT)
    assert http.post("/", json=["ECHO", "mine"]).json() == {"result": "mine"}


def test_it_answers_an_error_while_valkey_is_away_and_goes_on_when_it_is_back(
    redis: Redis, http: httpx.Client
) -> None:
    assert http.get("/set/key/value").status_code == 200
    redis.valkey.part.stop()

    for _ in range(2):
        away = http.get("/get/key")
        assert away.status_code == 503
        assert away.json()["error"].startswith("ERR ")

    redis.valkey.restart(threading.Event())
    assert http.get("/get/key").json() == {"result": None}  # nothing of a cache is kept
