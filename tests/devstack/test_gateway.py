"""The gateway, in front of parts that are played by the tests."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from devstack import gateway

KEYS = {"apikey": "anon-key"}


class Part(ThreadingHTTPServer):
    """A part that tells what reached it, and answers as the test wants."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: dict[str, Any] = {}
        self.go_on = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Part

    def setup(self) -> None:
        super().setup()
        self.ended = threading.Event()

    def finish(self) -> None:
        self.ended.set()
        super().finish()

    def do_POST(self) -> None:
        body = b""
        while size := int(self.rfile.readline(), 16) if self._chunked() else 0:
            body += self.rfile.read(size)
            self.rfile.readline()
        if self._chunked():
            self.rfile.readline()
        self._answer(body)

    def do_DELETE(self) -> None:
        self.do_POST()

    def do_GET(self) -> None:
        self._answer(b"")

    def _chunked(self) -> bool:
        return self.headers.get("Transfer-Encoding") == "chunked"

    def _answer(self, body: bytes) -> None:
        self.server.seen = {
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body,
            "connection": self.connection,
            "ended": self.ended,
        }
        self.send_response(207)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Access-Control-Allow-Origin", "http://upstream")
        self.send_header("Keep-Alive", "timeout=7")
        self.send_header("X-Answer", "yes")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.wfile.flush()
        assert self.server.go_on.wait(10)
        self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def part() -> Iterator[Part]:
    with Part() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def closed_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        return server.server_port


@pytest.fixture(scope="module")
def port(part: Part, closed_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = gateway.start(
        part.server_port,
        closed_port,
        ["anon-key", "service-key"],
        logs=tmp_path_factory.mktemp("logs"),
    )
    server.wait(threading.Event())
    yield server.port
    server.stop()


@pytest.fixture
def connection(port: int, part: Part) -> Iterator[http.client.HTTPConnection]:
    part.go_on.set()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "No API key found in request"),
        ({"apikey": ""}, "No API key found in request"),
        ({"apikey": "guessed"}, "Invalid API key"),
        ({"Authorization": "Bearer anon-key"}, "No API key found in request"),
    ],
)
def test_without_a_right_key_nothing_passes(
    connection: http.client.HTTPConnection, part: Part, headers: dict[str, str], message: str
) -> None:
    part.seen = {}
    connection.request("GET", "/rest/v1/things", headers=headers)
    answer = connection.getresponse()

    assert answer.status == 401
    assert answer.getheader("Access-Control-Allow-Origin") == "*"
    assert json.load(answer)["message"] == message
    assert part.seen == {}


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/rest/v1", "/"),
        ("/rest/v1?select=a", "/?select=a"),
        ("/rest/v1/things?a=eq.%2B1'+x&b=in.(1,2)", "/things?a=eq.%2B1'+x&b=in.(1,2)"),
    ],
)
def test_the_path_arrives_as_it_was_sent(
    connection: http.client.HTTPConnection, part: Part, sent: str, seen: str
) -> None:
    connection.request("GET", sent, headers=KEYS)

    assert connection.getresponse().read() == b"firstsecond"
    assert part.seen["path"] == seen


def test_a_key_in_the_query_counts_and_goes_no_further(
    connection: http.client.HTTPConnection, part: Part
) -> None:
    connection.request("GET", "/rest/v1/things?a=eq.1&apikey=service-key&b=eq.2")

    assert connection.getresponse().read() == b"firstsecond"
    assert part.seen["path"] == "/things?a=eq.1&b=eq.2"
    assert part.seen["headers"]["authorization"] == "Bearer service-key"


def test_a_caller_with_a_token_of_their_own_keeps_it(
    connection: http.client.HTTPConnection, part: Part
) -> None:
    connection.request("GET", "/rest/v1/", headers={**KEYS, "Authorization": "Bearer ann"})

    assert connection.getresponse().read() == b"firstsecond"
    assert part.seen["headers"]["authorization"] == "Bearer ann"


def test_headers_for_one_hop_go_one_hop(connection: http.client.HTTPConnection, part: Part) -> None:
    one_hop = {"Connection": "keep-alive, X-Private", "X-Private": "1", "TE": "trailers"}
    connection.request("GET", "/rest/v1/", headers={**KEYS, **one_hop, "Prefer": "count=exact"})
    answer = connection.getresponse()

    assert answer.status == 207
    assert answer.getheader("X-Answer") == "yes"
    assert answer.getheader("Keep-Alive") != "timeout=7"
    assert answer.read() == b"firstsecond"
    assert part.seen["headers"]["prefer"] == "count=exact"
    assert not {"x-private", "te"} & set(part.seen["headers"])


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_bodies_pass_as_they_come(
    connection: http.client.HTTPConnection, part: Part, method: str
) -> None:
    part.go_on.clear()
    chunks = iter([b"some ", b"body"])
    connection.request(method, "/rest/v1/", body=chunks, headers=KEYS, encode_chunked=True)
    answer = connection.getresponse()

    assert answer.read(5) == b"first"
    part.go_on.set()
    assert answer.read() == b"second"
    assert part.seen["body"] == b"some body"


def test_a_caller_that_hangs_up_ends_the_request_at_the_part(
    connection: http.client.HTTPConnection, part: Part
) -> None:
    part.go_on.clear()
    connection.request("GET", "/rest/v1/", headers=KEYS)
    assert connection.getresponse().read(5) == b"first"

    connection.close()

    part.seen["connection"].settimeout(3)
    assert part.seen["connection"].recv(1) == b"", "the gateway has hung up, too"


def test_a_connection_to_a_part_is_closed_before_the_part_may_close_it(
    connection: http.client.HTTPConnection, part: Part
) -> None:
    connection.request("GET", "/rest/v1/", headers=KEYS)
    assert connection.getresponse().read() == b"firstsecond"

    assert part.seen["ended"].wait(4.9), "before the 5 s of the real parts"


def test_a_browser_may_ask_from_anywhere(connection: http.client.HTTPConnection) -> None:
    asked = {
        "Origin": "http://elsewhere",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "apikey,authorization,prefer",
    }
    connection.request("OPTIONS", "/rest/v1/things", headers=asked)
    preflight = connection.getresponse()
    assert (preflight.status, preflight.read()) == (204, b"")
    assert preflight.getheader("Access-Control-Allow-Origin") == "*"
    assert "PATCH" in (preflight.getheader("Access-Control-Allow-Methods") or "")
    assert preflight.getheader("Access-Control-Allow-Headers") == "apikey,authorization,prefer"

    connection.request("GET", "/rest/v1/", headers=KEYS)
    answer = connection.getresponse()
    assert answer.headers.get_all("Access-Control-Allow-Origin") == ["*"]
    assert answer.getheader("Access-Control-Expose-Headers") == "*"


def test_a_part_that_is_down_is_502_in_json(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/auth/v1/signup", body="{}", headers=KEYS)
    answer = connection.getresponse()

    assert answer.status == 502
    assert answer.getheader("Access-Control-Allow-Origin") == "*"
    assert json.load(answer)["message"] == "auth does not answer"


@pytest.mark.parametrize("path", ["/", "/rest/v1x/things", "/storage/v1/object", "//", "*"])
def test_anything_else_is_404_in_json(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path, headers=KEYS)
    answer = connection.getresponse()

    assert answer.status == 404
    assert json.load(answer)["message"] == "no Route matched with those values"
