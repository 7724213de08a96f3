"""Function URLs and the Invoke API, over the real runtime client."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack import front
from devstack.workers import PAYLOAD_BYTES, Function
from tests.devstack.conftest import descendants, running, wait_until

HANDLERS = "tests.devstack.handlers"
FUNCTIONS = {
    "echo": Function(f"{HANDLERS}.echo"),
    "say": Function(f"{HANDLERS}.say"),
    "do": Function(f"{HANDLERS}.do", workers=2, timeout=1),
    "job": Function(f"{HANDLERS}.echo", url=False),
    "broken": Function(f"{HANDLERS}.no_such_function", url=False),
}


class Functions:
    """The front with handlers of the tests behind it."""

    def __init__(self, folder: Path, functions: dict[str, Function], freeze: bool = False) -> None:
        self.ports: dict[str, int] = {}
        self.server = front.start(
            functions, {"GREETING": "hello"}, freeze=freeze, logs=folder, url_ports=self.ports
        )
        self.server.wait(threading.Event())
        self._http = httpx.Client(timeout=30)

    def call(
        self, name: str, path: str = "/", method: str = "GET", **arguments: Any
    ) -> httpx.Response:
        return self._http.request(method, f"http://127.0.0.1:{self.ports[name]}{path}", **arguments)

    def invoke(self, name: str, **arguments: Any) -> httpx.Response:
        path = f"/2015-03-31/functions/{name}/invocations"
        return self._http.post(f"http://127.0.0.1:{self.server.port}{path}", **arguments)

    def close(self) -> None:
        self._http.close()
        self.server.stop()


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Functions]:
    with contextlib.closing(Functions(tmp_path_factory.mktemp("front"), FUNCTIONS)) as started:
        yield started


def test_a_request_becomes_an_event(functions: Functions) -> None:
    answer = functions.call(
        "echo",
        "/v1/a%2Fb?x=1&y=%C3%A9&x=2&empty=",
        "PUT",
        headers=[
            ("X-Mixed-Case", "one"),
            ("x-mixed-case", "two"),
            ("Cookie", "a=1; b=2"),
            ("Content-Type", "application/json"),
        ],
        content='{"text": "é"}'.encode(),
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    got = answer.json()
    event = got["event"]

    assert (event["version"], event["routeKey"]) == ("2.0", "$default")
    assert event["rawPath"] == "/v1/a%2Fb"
    assert event["rawQueryString"] == "x=1&y=%C3%A9&x=2&empty="
    assert event["queryStringParameters"] == {"x": "1,2", "y": "é", "empty": ""}
    assert event["headers"]["x-mixed-case"] == "one,two"
    assert event["headers"]["host"] == f"127.0.0.1:{functions.ports['echo']}"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"text": "é"}', False)
    http = event["requestContext"]["http"]
    assert (http["method"], http["path"], http["sourceIp"]) == ("PUT", "/v1/a%2Fb", "127.0.0.1")
    assert http["userAgent"].startswith("python-httpx/")
    assert abs(event["requestContext"]["timeEpoch"] / 1000 - time.time()) < 60
    assert event["requestContext"]["requestId"] == got["request_id"]
    assert answer.headers["x-amzn-requestid"] == got["request_id"]
    assert 0 < got["milliseconds_left"] <= 30_000

    assert got["environment"]["GREETING"] == "hello"
    assert got["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == "echo"
    assert got["cwd"] == str(Path(__file__).parents[2])


@pytest.mark.parametrize(
    ("headers", "body", "encoded"),
    [
        ({"content-type": "application/json; charset=utf-8"}, b"{}", False),
        ({"content-type": "application/merge-patch+json"}, b"{}", False),
        ({"content-type": "text/plain"}, "é".encode(), False),
        ({"content-type": "application/json"}, b"\xff\xfe", True),
        ({"content-type": "application/json", "content-encoding": "br"}, b"{}", True),
        ({"content-type": "application/octet-stream"}, b"{}", True),
        ({}, b"\x00\r\n\xff", True),
    ],
)
def test_a_body_that_may_not_be_text_comes_as_base64(
    functions: Functions, headers: dict[str, str], body: bytes, encoded: bool
) -> None:
    event = functions.call("echo", "/", "POST", headers=headers, content=body).json()["event"]
    assert event["isBase64Encoded"] is encoded
    got = base64.b64decode(event["body"]) if encoded else event["body"].encode()
    assert got == body


def test_a_request_without_a_body_has_none(functions: Functions) -> None:
    event = functions.call("echo").json()["event"]
    assert "body" not in event and "cookies" not in event
    assert event["isBase64Encoded"] is False


def test_a_body_in_pieces_comes_whole(functions: Functions) -> None:
    pieces = (b"%d," % number for number in range(10_000))
    text = {"content-type": "text/plain"}
    event = functions.call("echo", "/", "POST", headers=text, content=pieces).json()["event"]
    assert event["body"] == "".join(f"{number}," for number in range(10_000))


def test_an_answer_becomes_a_response(functions: Functions) -> None:
    raw = bytes(range(256))
    answer = functions.call(
        "say",
        method="POST",
        json={
            "statusCode": 201,
            "headers": {"ETag": '"1"', "X-Count": 7, "Content-Length": "9", "Connection": "close"},
            "cookies": ["a=1; HttpOnly", "b=2"],
            "body": base64.b64encode(raw).decode(),
            "isBase64Encoded": True,
        },
    )
    assert (answer.status_code, answer.content) == (201, raw)
    assert (answer.headers["etag"], answer.headers["x-count"]) == ('"1"', "7")
    assert answer.headers["content-length"] == "256"
    assert answer.headers.get_list("set-cookie") == ["a=1; HttpOnly", "b=2"]
    assert "connection" not in answer.headers


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ({"a": "é"}, {"a": "é"}),
        ([1, None], [1, None]),
        (17, 17),
        ({"statusCode": 200, "body": {"b": 1}}, {"b": 1}),
    ],
)
def test_an_answer_without_a_status_is_the_body(functions: Functions, said: Any, body: Any) -> None:
    answer = functions.call("say", method="POST", json=said)
    assert answer.status_code == 200
    assert answer.json() == body


def test_an_answer_that_is_text_is_the_body(functions: Functions) -> None:
    assert functions.call("say", method="POST", json="é and so on").text == "é and so on"


def test_a_head_request_and_a_304_get_no_body(functions: Functions) -> None:
    assert functions.call("echo", method="HEAD").content == b""
    unchanged = {"statusCode": 304, "headers": {"etag": '"1"'}, "body": "left out"}
    answer = functions.call("say", method="POST", json=unchanged)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    assert functions.call("say", method="POST", json={"statusCode": 204}).status_code == 204


@pytest.mark.parametrize(
    "said",
    [
        {"statusCode": 99},
        {"statusCode": "two hundred"},
        {"statusCode": True},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b=1"}},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": ["x"]},
        {"statusCode": 200, "cookies": ["a\nb"]},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "body": "no base64!", "isBase64Encoded": True},
    ],
)
def test_an_answer_that_is_no_response_is_a_502(functions: Functions, said: Any) -> None:
    answer = functions.call("say", method="POST", json=said)
    assert (answer.status_code, answer.text) == (502, "Internal Server Error")
    assert functions.call("say", method="POST", json="still there").text == "still there"


def test_an_exception_is_a_502_and_the_worker_stays(functions: Functions) -> None:
    before = functions.call("do").json()["pid"]
    answer = functions.call("do", "/?raise=secret")
    assert (answer.status_code, answer.text) == (502, "Internal Server Error")
    assert functions.call("do").json()["pid"] == before
    assert "ValueError: secret" in functions.server.part.output()


@pytest.mark.parametrize("end", ["exit=3", "kill=1", "sleep=60"])
def test_a_worker_that_ends_or_takes_too_long_is_replaced(functions: Functions, end: str) -> None:
    before = functions.call("do").json()["pid"]
    assert functions.call("do", f"/?{end}").status_code == 502
    after = functions.call("do").json()["pid"]
    assert after != before
    wait_until(lambda: not running({before}))


def test_an_idle_worker_that_was_killed_fails_nobody(functions: Functions) -> None:
    before = functions.call("do").json()["pid"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not running({before}))
    assert functions.call("do").json()["pid"] != before


def test_an_answer_of_6_mb_passes_and_a_larger_one_costs_the_worker(functions: Functions) -> None:
    whole = functions.call("do", f"/?size={PAYLOAD_BYTES}")
    assert (whole.status_code, len(whole.content)) == (200, PAYLOAD_BYTES - 2)
    before = functions.call("do").json()["pid"]
    assert functions.call("do", f"/?size={PAYLOAD_BYTES + 1}").status_code == 502
    assert functions.call("do").json()["pid"] != before


def test_a_request_of_more_than_6_mb_is_refused(functions: Functions) -> None:
    text = {"content-type": "text/plain"}
    large = functions.call("do", "/?a=b", "POST", headers=text, content=b"x" * 6_200_000)
    assert large.status_code == 200
    for headers, size in ((text, PAYLOAD_BYTES), (text, PAYLOAD_BYTES + 1), ({}, 5_000_000)):
        refused = functions.call("do", "/?a=b", "POST", headers=headers, content=b"x" * size)
        assert refused.status_code == 413
        assert "must be smaller" in refused.json()["Message"]


def test_calls_wait_for_a_worker_and_there_are_no_more_than_allowed(functions: Functions) -> None:
    with ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(lambda _: functions.call("do", "/?sleep=0.05"), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["pid"] for answer in answers}) == 2


def test_a_caller_who_leaves_does_not_stop_the_call(functions: Functions) -> None:
    with pytest.raises(httpx.ReadTimeout):
        functions.call("do", "/?sleep=0.3&print=slept", timeout=0.05)
    wait_until(lambda: "slept" in functions.server.part.output().splitlines())
    assert functions.call("do").status_code == 200


def test_a_function_is_invoked_by_name(functions: Functions) -> None:
    answer = functions.invoke("job", json={"source": "scheduler"})
    assert answer.status_code == 200
    assert "x-amz-function-error" not in answer.headers
    assert answer.json()["event"] == {"source": "scheduler"}
    assert answer.json()["calls"] == 1
    arn = "arn:aws:lambda:eu-central-1:000000000000:function:job"
    assert functions.invoke(arn).json()["event"] == {}

    later = functions.invoke("job", headers={"X-Amz-Invocation-Type": "Event"}, json={})
    assert (later.status_code, later.content) == (202, b"")
    wait_until(lambda: functions.invoke("job").json()["calls"] > 3)


def test_what_went_wrong_in_an_invocation_is_told(functions: Functions) -> None:
    failed = functions.invoke("do", json={"queryStringParameters": {"raise": "told"}})
    assert (failed.status_code, failed.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert (failed.json()["errorType"], failed.json()["errorMessage"]) == ("ValueError", "told")

    late = functions.invoke("do", json={"queryStringParameters": {"sleep": "60"}})
    assert late.json()["errorType"] == "Sandbox.Timedout"

    for _ in range(2):  # it is tried again every time
        missing = functions.invoke("broken").json()
        assert missing["errorType"] == "Runtime.HandlerNotFound"

    assert functions.invoke("unknown").status_code == 404
    assert functions.invoke("job", content=b"{").status_code == 400


def test_a_frozen_worker_stands_still_between_calls(tmp_path: Path) -> None:
    started = Functions(tmp_path, {"echo": FUNCTIONS["echo"]}, freeze=True)
    with contextlib.closing(started):
        pid = started.call("echo").json()["pid"]
        for _ in range(3):
            wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "T")
            assert started.call("echo").json()["pid"] == pid
    assert not running({pid})


def test_a_front_that_is_stopped_waits_for_no_call(tmp_path: Path) -> None:
    started = Functions(tmp_path, {"do": Function(f"{HANDLERS}.do", workers=2)})
    with contextlib.closing(started):
        pid = started.call("do").json()["pid"]
        with contextlib.suppress(httpx.ReadTimeout):
            started.call("do", "/?sleep=600", timeout=0.1)
    assert started.server.part.exit_code == 0
    wait_until(lambda: not running({pid}))


def test_no_worker_outlives_a_front_that_is_killed_and_a_new_one_has_the_same_ports(
    tmp_path: Path,
) -> None:
    started = Functions(tmp_path, {"do": FUNCTIONS["do"]}, freeze=True)
    with contextlib.closing(started):
        assert started.call("do").status_code == 200
        ports = dict(started.ports)
        workers = descendants(started.server.part.pid)
        assert workers

        os.kill(started.server.part.pid, signal.SIGKILL)
        wait_until(lambda: not running(workers))

        started.server.restart(threading.Event())
        assert started.ports == ports
        assert started.call("do").status_code == 200
