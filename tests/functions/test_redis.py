"""The transport: bytes exactly, connections kept and given up, and every fault an UpstashError."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import upstash_redis.asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from upstash_redis.errors import UpstashError

from functions.core.redis import Redis, Script, Transport
from tests.functions.conftest import TOKEN
from tests.functions.stub import CLOSE, HANG, PAUSE, THEN_CLOSE, answer, stub

pytestmark = pytest.mark.anyio

ANY_BYTES = bytes(range(256)) * 5
PONG = answer(b"+PONG\r\n")
TEN = answer(b":10\r\n")


def connect(url: str, token: str = "token", deadline_seconds: float = 60) -> Any:
    """A client; Any, since upstash-redis promises text and ours gives bytes."""
    return Redis(url, token, deadline_seconds)


@pytest.fixture
async def client(bridge_url: str, store: redis.Redis) -> AsyncIterator[Any]:
    made = connect(bridge_url, TOKEN, 60)
    yield made
    await made.close()


async def test_bytes_go_and_come_exactly(client: Any, store: redis.Redis):
    assert await client.execute(["SET", "key /?#%", ANY_BYTES]) is True
    assert store.get("key /?#%") == ANY_BYTES
    assert await client.get("key /?#%") == ANY_BYTES
    assert await client.execute(["SET", "empty", b""]) is True
    assert await client.get("empty") == b""
    for text in ("ä\r\n\0'\"", "../..", "a b+c", "😀"):
        await client.set(text, text)
        assert await client.get(text) == store.get(text) == text.encode()


async def test_answers_are_what_redis_answers(client: Any):
    assert await client.ping() == "PONG"
    assert await client.set("once", "1", nx=True, ex=60) is True
    assert await client.set("once", "1", nx=True, ex=60) is False
    assert await client.incr("count") == 1
    assert await client.get("nothing") is None
    assert await client.hset("hash", "field", "value") == 1
    assert await client.hgetall("hash") == {b"field": b"value"}
    nested = "return {1, 'a', {false, {}}, -3}"
    assert await client.eval(nested) == [1, b"a", [None, []], -3]


async def test_commands_in_turn_are_answered_in_turn(client: Any, store: redis.Redis):
    store.set("bytes", ANY_BYTES)
    pipeline = client.pipeline()
    pipeline.set("a", "1")
    pipeline.get("bytes")
    pipeline.get("nothing")
    pipeline.incr("a")
    assert await pipeline.exec() == [True, ANY_BYTES, None, 2]
    transaction = client.multi()
    transaction.incr("a")
    transaction.hkeys("nothing")
    assert await transaction.exec() == [3, []]
    pipeline.lpush("a", "wrong type")
    with pytest.raises(UpstashError, match="WRONGTYPE"):
        await pipeline.exec()


async def test_what_redis_refuses_is_said_in_its_words(client: Any, bridge_url: str):
    await client.set("text", "a")
    with pytest.raises(UpstashError, match=r"^WRONGTYPE"):
        await client.lpush("text", "b")
    with pytest.raises(UpstashError, match=r"^NOSCRIPT"):
        await client.evalsha("0" * 40)
    stranger = connect(bridge_url, "another token", 60)
    with pytest.raises(UpstashError, match="WRONGPASS"):
        await stranger.ping()
    await stranger.close()


async def test_a_script_is_learned_by_whoever_does_not_know_it(client: Any, store: redis.Redis):
    script, key = Script("take_usage"), "p1:u:0"
    for _ in range(2):
        store.script_flush()
        store.hset(key, "h:a", 3)
        assert await script.run(client, [key], []) == [b"h:a", b"3"]


async def test_the_stock_client_sets_what_ours_sets():
    stock = upstash_redis.asyncio.Redis("http://127.0.0.1:9", "token")
    ours = connect("http://127.0.0.1:9", "token")
    assert vars(ours).keys() == vars(stock).keys()
    await stock.close()


async def test_only_the_token_goes_with_a_command():
    async with stub([PONG]) as server:
        client = connect(server.url, "secret", 60)
        await client.ping()
        await client.execute(["EVALSHA", "ab", 0, b"\r\n\r\nbody"])
        await client.close()
    host = server.url.removeprefix("http://")
    head = f"Host: {host}\r\nAuthorization: Bearer secret\r\nUpstash-Response-Format: resp2\r\n"
    assert server.requests == [
        f'POST / HTTP/1.1\r\n{head}Content-Length: 8\r\n\r\n["PING"]'.encode(),
        f"POST /EVALSHA/ab/0 HTTP/1.1\r\n{head}Content-Length: 8\r\n\r\n\r\n\r\nbody".encode(),
    ]


async def test_a_connection_is_kept(bridge_url: str):
    async with stub([PONG]) as server:
        client = connect(server.url)
        for _ in range(20):
            await client.ping()
        assert server.connections == 1
        await asyncio.gather(*(client.ping() for _ in range(12)))
        assert server.connections <= 13
        await client.close()
        await client.ping()
        await client.close()


async def test_a_chunked_answer_is_put_together(bridge_url: str):
    body = answer(b"").replace(b"Content-Length: 0", b"transfer-encoding: Chunked")
    body += b"3;why=not\r\n$5\r\r\n6\r\n\na\r\n\x00\xff\r\n2\r\n\r\n\r\n0\r\nA-Trailer: b\r\n\r\n"
    async with stub([body]) as server:
        client = connect(server.url)
        for _ in range(3):
            assert await client.get("key") == b"a\r\n\0\xff"
        assert server.connections == 1
        await client.close()


@pytest.mark.parametrize("size", [5, 16])
async def test_an_answer_may_come_in_any_pieces(size: int):
    chunked = (
        b"HTTP/1.1 200\r\ntransfer-encoding: chunked\r\n\r\n4\r\n:10\r\r\n1\r\n\n\r\n0\r\n\r\n"
    )
    in_pieces = [
        PAUSE.join(whole[start : start + size] for start in range(0, len(whole), size))
        for whole in (TEN, chunked)
    ]
    async with stub(in_pieces) as server:
        client = connect(server.url)
        assert [await client.ping(), await client.ping()] == [10, 10]
        assert server.connections == 1
        await client.close()


async def test_what_may_be_repeated_is_when_a_kept_connection_was_closed():
    async with stub([PONG + THEN_CLOSE]) as server:
        client = connect(server.url)
        for nth in range(1, 4):
            await client.ping()
            assert len(server.requests) == nth
        await client.close()


async def test_what_may_not_be_repeated_is_not():
    async with stub([PONG, CLOSE, PONG]) as server:
        client = connect(server.url)
        await client.ping()
        # It may have been executed before the connection was closed.
        with pytest.raises(UpstashError):
            await client.incr("count")
        assert len(server.requests) == 2
        await client.ping()
        await client.close()
    async with stub([PONG, CLOSE, PONG]) as server:
        client = connect(server.url)
        await client.ping()
        await client.get("key")
        assert len(server.requests) == 3
        await client.close()


async def test_nothing_is_repeated_once_some_of_an_answer_has_come():
    async with stub([PONG, b"HTTP" + THEN_CLOSE, PONG]) as server:
        client = connect(server.url)
        await client.ping()
        with pytest.raises(UpstashError, match="half"):
            await client.ping()
        assert len(server.requests) == 2
        await client.close()


async def test_nothing_is_repeated_twice():
    async with stub([PONG, CLOSE]) as server:
        client = connect(server.url)
        await client.ping()
        with pytest.raises(UpstashError, match="closed"):
            await client.ping()
        assert len(server.requests) == 3
        await client.close()


async def test_a_connection_that_was_idle_for_long_is_given_up(monkeypatch: pytest.MonkeyPatch):
    async with stub([PONG]) as server:
        client = connect(server.url)
        now = time.time()
        # Frozen for a while, and then woken with a clock that is behind.
        for seconds in (0, 3600, -3600):
            monkeypatch.setattr(time, "time", lambda seconds=seconds: now + seconds)
            await client.ping()
        assert server.connections == 3
        await client.close()


async def test_an_answer_that_was_not_asked_for_is_nobodys():
    async with stub([PONG + TEN, TEN]) as server:
        client = connect(server.url)
        with pytest.raises(UpstashError, match="more than one"):
            await client.ping()
        assert await client.ping() == 10
        await client.close()


async def test_an_answer_that_comes_while_nobody_asks_is_nobodys():
    async with stub([PONG + PAUSE + TEN, PONG]) as server:
        client = connect(server.url)
        assert await client.ping() == "PONG"
        (kept,) = client._http._idle
        async with asyncio.timeout(30):
            while kept.is_open:
                await asyncio.sleep(0.01)
        assert await client.ping() == "PONG"
        assert server.connections == 2
        await client.close()


async def test_a_connection_that_was_closed_meanwhile_is_not_even_tried():
    async with stub([PONG + THEN_CLOSE]) as server:
        client = connect(server.url)
        for count in range(1, 4):
            # It may not be repeated, and need not be.
            await client.incr("count")
            await server.is_left()
            assert len(server.requests) == count
        await client.close()


async def test_an_answer_that_is_late_is_nobodys():
    async with stub([PONG, HANG, TEN]) as server:
        client = connect(server.url, "token", 0.2)
        await client.ping()
        with pytest.raises(UpstashError, match="within"):
            await client.ping()
        assert server.connections == 1
        await server.is_left()
        patient = connect(server.url)
        assert await patient.ping() == 10
        await patient.close()


async def test_a_name_that_is_not_found_in_time_keeps_nobody_else_from_finding_theirs(
    monkeypatch: pytest.MonkeyPatch,
):
    found, look_up = threading.Event(), socket.getaddrinfo

    def hang(host: str, *arguments: Any, **named: Any) -> Any:
        if host == "redis.example":
            found.wait(60)
            raise socket.gaierror("no such name")
        return look_up(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    loop = asyncio.get_running_loop()
    client = connect("http://redis.example", "token", 0.05)
    # More than there are threads for the lookups of all.
    for _ in range(40):
        with pytest.raises(UpstashError, match="within"):
            await client.ping()
    try:
        async with asyncio.timeout(30):
            assert await loop.getaddrinfo("localhost", 80)
    finally:
        found.set()
        await client.close()


async def test_a_server_that_is_not_there_is_an_error():
    with pytest.raises(UpstashError, match="no answer"):
        await connect("http://127.0.0.1:9").ping()


NOT_ANSWERS = {
    "another protocol": b"SSH-2.0-OpenSSH\r\n",
    "an old HTTP": b"HTTP/1.0 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "information": b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\n\r\n",
    "two lengths": answer(b"+OK\r\n", "200 OK", "content-length: 4"),
    "a length and chunks": answer(
        b"5\r\n+OK\r\n\r\n0\r\n\r\n", "200 OK", "Transfer-Encoding: chunked"
    ),
    "no number": answer(b"").replace(b": 0", b": -1"),
    "a number in disguise": answer(b"").replace(b": 0", b": 1_0"),
    "a long length": answer(b"").replace(b": 0", b": 99999999"),
    "a longer length": answer(b"").replace(b": 0", b": " + b"9" * 5000),
    "a long head": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000,
    "no colon": answer(b"+OK\r\n", "200 OK", "nonsense"),
    "compressed": answer(b"+OK\r\n", "200 OK", "Content-Encoding: gzip"),
    "another encoding": answer(b"+OK\r\n", "200 OK", "Transfer-Encoding: gzip"),
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk too long": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n",
    "a huge chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
    "a chunk without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 300,
    "no value": answer(b""),
    "half a line": answer(b"+OK"),
    "half a string": answer(b"$5\r\nab\r\n"),
    "a string with less than no length": answer(b"$-2\r\n"),
    "a list with less than there is": answer(b"*2\r\n:1\r\n"),
    "a long list": answer(b"*999999999999\r\n:1\r\n"),
    "a deep list": answer(b"*1\r\n" * 10_000 + b":1\r\n"),
    "two values": answer(b":1\r\n:2\r\n"),
    "another kind": answer(b"%1\r\n:1\r\n:2\r\n"),
    "a number of letters": answer(b":ten\r\n"),
    "an error of HTML": answer(b"<html>502</html>", "502 Bad Gateway"),
    "an error of bytes": answer(b"{\xff", "500 Oh"),
    "an error of another shape": answer(b'{"error": {"a": [1]}}', "400 Bad Request"),
    "an error as deep as it can be": answer(b'{"error":' + b"[" * 100_000, "400 Bad Request"),
}


@pytest.mark.parametrize("name", NOT_ANSWERS)
async def test_what_is_no_answer_is_an_error_and_ends_no_later_call(name: str):
    async with stub([NOT_ANSWERS[name] + THEN_CLOSE, PONG]) as server:
        client = connect(server.url)
        with pytest.raises(UpstashError):
            await client.ping()
        assert await client.ping() == "PONG"
        await client.close()


NOT_PIPELINED = [b"", b"{}", b"[]", b"3", b"[3]", b'[{"result": "!"}]', b"[{}]", b"[" * 100_000]


@pytest.mark.parametrize("body", NOT_PIPELINED)
async def test_what_answers_no_pipeline_is_an_error(body: bytes):
    async with stub([answer(body)]) as server:
        client = connect(server.url)
        pipeline = client.pipeline()
        pipeline.get("a")
        with pytest.raises(UpstashError):
            await pipeline.exec()
        await client.close()


@pytest.mark.parametrize("token", ["a\r\nX: y", "a\nb", "ä", "a\0"])
async def test_no_header_can_be_slipped_in(token: str):
    async with stub([PONG]) as server:
        client = connect(server.url, token, 60)
        with pytest.raises(UpstashError):
            await client.ping()
        assert server.requests == []


async def test_no_argument_can_leave_its_place():
    hostile = ["a/b", "a?b=c", "a#b", "a\r\nX: y", "%2f", "a b", "ä"]
    async with stub([PONG]) as server:
        client = connect(server.url)
        for argument in hostile:
            await client.execute(["SET", argument, b"x"])
        lines = [request.partition(b"\r\n")[0] for request in server.requests]
        assert all(line.count(b"/") == 3 and line.count(b" ") == 2 for line in lines)
        assert not any(sign in line for line in lines for sign in (b"?", b"#"))
        for misplaced in ("", ".", "..", b"bytes"):
            with pytest.raises(UpstashError):
                await client.execute(["SET", misplaced, b"x"])
        with pytest.raises(UpstashError):
            await client.execute(["SET", b"bytes", "x"])
        await client.close()


async def test_a_url_may_end_in_a_slash():
    async with stub([PONG]) as server:
        client = connect(server.url + "/")
        await client.ping()
        await client.execute(["ECHO", b"x"])
        assert [request.split()[1] for request in server.requests] == [b"/", b"/ECHO"]
        await client.close()


@pytest.mark.parametrize("url", ["", "ftp://a", "redis://a", "http://", "http://a:b@c", "//a"])
def test_a_url_that_is_none_is_refused(url: str):
    with pytest.raises(ValueError, match="url"):
        Transport(url, 1)


async def test_a_transport_is_for_one_server():
    with pytest.raises(UpstashError, match="this client is for"):
        await Transport("http://a", 1).execute("http://b", {}, ["PING"])


async def test_https_is_tls_and_asks_who_answers(tmp_path: Path):
    certificate, served = certificate_of("127.0.0.1", tmp_path)
    async with stub([PONG], served) as server:
        trusting = connect(server.url)
        trusting._http._server.tls.load_verify_locations(certificate)
        assert [await trusting.ping(), await trusting.ping()] == ["PONG", "PONG"]
        assert server.connections == 1
        await trusting.close()
        with pytest.raises(UpstashError, match="CERTIFICATE_VERIFY_FAILED"):
            await connect(server.url).ping()

        elsewhere = connect(server.url.replace("127.0.0.1", "localhost"))
        elsewhere._http._server.tls.load_verify_locations(certificate)
        with pytest.raises(UpstashError, match="Hostname mismatch"):
            await elsewhere.ping()
        assert len(server.requests) == 2


def certificate_of(host: str, folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate that the host has given itself, and what to serve with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), False
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return pem, context
