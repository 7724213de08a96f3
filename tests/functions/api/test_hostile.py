"""What hostile requests get: the one shape, and nothing back of what they sent."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import jwt
import pytest

from functions.api import handler as handler_module
from functions.api.answers import Answer
from functions.api.routing import MAX_BODY_BYTES
from tests.functions.api.client import Client, event, reply
from tests.functions.api.conftest import create
from tests.people import NOBODY
from tests.samples import small

SECRET = "sesame-that-nobody-says-back"
HERE = f"/v1/compositions/{NOBODY}"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "route_not_found"),
        ("GET", f"/{SECRET}", 404, "route_not_found"),
        ("GET", "/v1/compositions/", 404, "route_not_found"),
        ("GET", "//v1/compositions", 404, "route_not_found"),
        ("GET", "/v1/../v1/compositions", 404, "route_not_found"),
        ("GET", f"{HERE}/", 404, "route_not_found"),
        ("GET", "/docs", 404, "route_not_found"),
        ("GET", f"/v1/links/{SECRET}/x", 404, "route_not_found"),
        ("POST", HERE, 405, "method_not_allowed"),
        ("HEAD", HERE, 405, "method_not_allowed"),
        ("OPTIONS", HERE, 405, "method_not_allowed"),
        (SECRET, HERE, 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_told_in_the_one_shape(ann, method, path, status, code):
    answer = ann(method, path)
    assert answer.error == (status, code)
    assert SECRET not in answer.body.decode()
    if status == 405:
        assert answer.headers["allow"] == "DELETE, GET, PATCH, PUT"


IDS = [
    "*",
    "?",
    "a*",
    "%00",
    "%0d%0aSET",
    "%0A",
    "p1:c:x",
    f"{NOBODY}:x",
    f"{NOBODY}%0a",
    f"{NOBODY}%20",
    f"%20{NOBODY}",
    f"{NOBODY}%00",
    f"{NOBODY},{NOBODY}",
    f"{NOBODY[:-1]}g",
    "null",
    "-1",
    "1" * 5000,
    "\N{ARABIC-INDIC DIGIT ONE}" * 32,
]


@pytest.mark.parametrize("id", IDS, ids=lambda text: ascii(text)[:30])
def test_what_is_no_id_reaches_neither_key_nor_database(ann, store, id):
    for method, path in (
        ("GET", f"/v1/compositions/{id}"),
        ("DELETE", f"/v1/compositions/{id}"),
        ("GET", f"/v1/compositions/{id}/versions"),
        ("PUT", f"{HERE}/shares/{id}"),
        ("DELETE", f"{HERE}/links/{id}"),
        ("PUT", f"/v1/organizations/{NOBODY}/members/{id}"),
        ("GET", f"/v1/documents/{id}"),
    ):
        answer = ann(method, path, {} if method == "PUT" else None, if_match='"1"')
        assert answer.error in {(422, "invalid_request"), (404, "route_not_found")}
    assert store.keys("*") == []


def test_an_id_has_one_key_however_it_is_written(ann, store):
    target = create(ann)
    id = target.rpartition("/")[2]
    for written in (id, id.upper(), id.replace("-", ""), f"%7B{id}%7D", f"urn:uuid:{id}"):
        assert ann("GET", f"/v1/compositions/{written}").status == 200
    assert store.keys("p1:c:*") == [f"p1:c:{id}".encode()]


def test_only_people_get_in(api, addresses, anybody):
    now = int(time.time())
    claims = {
        "sub": str(uuid.uuid4()),
        "aud": "authenticated",
        "role": "authenticated",
        "exp": now + 60,
    }

    def asks(key: str = addresses["jwt_secret"], **changed: Any) -> tuple[int, str]:
        token = jwt.encode(claims | changed, key, algorithm="HS256")
        answer = Client(api, token)("GET", HERE)
        assert token not in answer.body.decode()
        if answer.status == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
        return answer.error

    assert asks() == (404, "composition_not_found")
    assert asks(role="anon") == asks(role="service_role") == (401, "invalid_token")
    assert asks(key="another secret, of more than enough bytes") == (401, "invalid_token")
    assert asks(exp=now - 60) == (401, "token_expired")
    assert Client(api, addresses["anon_key"])("GET", HERE).error == (401, "invalid_token")
    assert Client(api, addresses["service_role_key"])("GET", HERE).error == (401, "invalid_token")
    assert anybody("GET", HERE).error == (401, "not_signed_in")
    # Nobody who is not signed in has a body read.
    assert anybody("PUT", HERE, "{").error == (401, "not_signed_in")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ("", {}, 422, "invalid_request"),
        ("null", {}, 400, "invalid_json"),
        (f'["{SECRET}"]', {}, 400, "invalid_json"),
        (f'{{"title": "{SECRET}", "title": 1}}', {}, 400, "invalid_json"),
        (b'{"title": "\xff"}', {}, 400, "invalid_json"),
        ("{}", {"content_type": "text/plain"}, 415, "not_json"),
        ("{}", {"content_type": "application/x-www-form-urlencoded"}, 415, "not_json"),
        ("{}", {"content_type": "application/json; charset=utf-16"}, 415, "not_json"),
        ("{}", {"content_type": "application/vnd.api+json"}, 415, "not_json"),
        ("{}", {"content_type": SECRET}, 415, "not_json"),
        ("{}", {"content_encoding": "br"}, 415, "not_json"),
        (b"x" * (MAX_BODY_BYTES + 1), {}, 413, "body_too_large"),
        ('{"document":' + "[" * 99_999, {}, 413, "too_deep"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_body_that_is_no_strict_json_is_refused(ann, body, headers, status, code):
    answer = ann("POST", "/v1/compositions", body, **headers)
    assert answer.error == (status, code)
    assert SECRET not in answer.body.decode()


@pytest.mark.parametrize("type", ["application/json", "Application/JSON ; charset=UTF-8"])
def test_json_is_called_json_in_several_ways(ann, type):
    new = {"title": "T", "document": small()}
    assert ann("POST", "/v1/compositions", new, content_type=type).status == 201


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"title": None}, [("/title", "has to be a string")]),
        ({"title": 7}, [("/title", "has to be a string")]),
        ({"title": [SECRET]}, [("/title", "has to be a string")]),
        ({"tags": SECRET}, [("/tags", "has to be an array")]),
        ({"tags": ["a", {"b": SECRET}]}, [("/tags/1", "has to be a string")]),
        ({"organization_id": SECRET}, [("/organization_id", "has to be a UUID")]),
        ({"organization_id": 7}, [("/organization_id", "has to be a UUID")]),
        ({SECRET: 1}, [("", "holds a key that is not known")]),
        (
            {"message": True, SECRET: 1},
            [("/message", "has to be a string"), ("", "holds a key that is not known")],
        ),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_body_is_told_by_its_path_and_not_quoted(ann, changed, found):
    answer = ann("POST", "/v1/compositions", {"title": "T", "document": small()} | changed)
    assert answer.error == (422, "invalid_request")
    assert [(p["path"], p["message"]) for p in answer.json["problems"]] == found
    assert {problem["in"] for problem in answer.json["problems"]} == {"body"}
    assert SECRET not in answer.body.decode()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{HERE}/restore", {"version": 1.0}),
        ("POST", f"{HERE}/restore", {"version": "1"}),
        ("POST", f"{HERE}/restore", {"version": True}),
        ("POST", f"{HERE}/purge", {"x": 1}),
        ("PUT", f"{HERE}/shares/{NOBODY}", {"role": "viewer", "grantee": "link"}),
        ("PUT", f"{HERE}/shares/{NOBODY}", {"role": "viewer", "expires_at": "tomorrow"}),
        ("PUT", f"{HERE}/shares/{NOBODY}", {"role": "viewer", "expires_at": 4_000_000_000}),
        ("DELETE", f"{HERE}/shares/{NOBODY}?grantee=x", None),
        ("GET", f"{HERE}/versions/one", None),
        ("GET", f"{HERE}/versions?limit=1.5", None),
        ("GET", f"{HERE}/diff?from=1", None),
        ("GET", f"/v1/compositions?{SECRET}=1", None),
        ("GET", "/v1/links/" + "x" * 201, None),
        ("POST", "/v1/invitations/accept", {"token": "x" * 201}),
    ],
)
def test_what_has_another_type_is_refused(ann, method, path, body):
    answer = ann(method, path, body)
    assert answer.error == (422, "invalid_request")
    assert SECRET not in answer.body.decode()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"{HERE}/versions/{'9' * 40}", None, 422),
        ("GET", "/v1/compositions?limit=" + "9" * 40, None, 422),
        ("GET", "/v1/compositions?search=%00", None, 422),
        (
            "PUT",
            f"{HERE}/shares/{NOBODY}",
            {"role": "viewer", "expires_at": "2026-99-99T00:00Z"},
            422,
        ),
        ("PUT", f"{HERE}/shares/{NOBODY}", {"role": "king"}, 404),
        ("GET", f"/v1/links/{'%00' * 10}", None, 422),
        ("GET", "/v1/links/%F0%9F%98%80", None, 404),
    ],
)
def test_what_only_the_database_can_refuse_it_refuses(ann, method, path, body, status):
    assert ann(method, path, body).error[0] == status


@pytest.mark.parametrize(
    "changed",
    [
        {"isBase64Encoded": True, "body": "!"},
        {"isBase64Encoded": True, "body": 7},
        {"headers": {"host": "a:b:c"}},
        {"headers": {"host": f"{SECRET}:x"}},
        {"headers": None},
        {"requestContext": {}},
        {"version": "1.0"},
        {"version": "9"},
        {"rawQueryString": None},
    ],
    ids=str,
)
def test_an_event_that_is_none_ends_nothing(api, changed):
    answer = reply(api(event("POST", "/v1/compositions") | changed, None))
    assert answer.status in {401, 500}
    assert answer.json.keys() >= {"error", "message", "hint"}
    assert SECRET not in answer.body.decode()
    assert reply(api(event("GET", "/healthz"), None)).status == 200


def test_a_fault_of_ours_says_nothing_of_itself(deploy, ann, caplog, monkeypatch):
    deployment = deploy()

    async def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(deployment.parts.database, "read", fail)
    answer = ann.through(deployment.handler)("GET", "/v1/compositions", origin="https://a.example")
    assert answer.error == (500, "internal_error")
    assert SECRET not in answer.body.decode()
    assert SECRET in caplog.text, "but in the log"


def test_a_setting_that_is_missing_is_answered_and_tried_again(ann, caplog):
    attempts = []

    def make() -> Any:
        attempts.append(1)
        raise RuntimeError("SUPABASE_URL is not set")

    broken = handler_module.Handler(make)
    for _ in range(2):
        assert ann.through(broken)("GET", HERE).error == (500, "internal_error")
    assert len(attempts) == 2
    assert "SUPABASE_URL is not set" in caplog.text


def test_no_answer_is_larger_than_what_lambda_carries(ann, monkeypatch, deploy):
    deployment = deploy(ALLOWED_ORIGINS="https://a.example")
    client = ann.through(deployment.handler)
    text = ""

    async def answer(*_args: object, **_named: object) -> Any:
        return type("Found", (), {"body": text.encode(), "headers": {}})

    monkeypatch.setattr(deployment.parts.database, "read", answer)
    largest = handler_module.MAX_ANSWER_BYTES
    for text, status in (
        ('"' + "x" * (largest - 2000) + '"', 200),
        ('"' + "x" * largest + '"', 500),
        ('"' + '\\"' * (largest // 4 - 500) + '"', 200),
        ('"' + '\\"' * (largest // 3) + '"', 500),
        ('"' + "\N{SNOWMAN}" * (largest // 3 - 500) + '"', 200),
        ('"' + "\N{SNOWMAN}" * (largest // 3) + '"', 500),
    ):
        sent = event(
            "GET",
            "/v1/compositions",
            headers={"authorization": f"Bearer {client.token}", "origin": "https://a.example"},
        )
        envelope = deployment.handler(sent, None)
        size = len(json.dumps(envelope, ensure_ascii=False).encode())
        assert (envelope["statusCode"], size <= largest) == (status, True)
        assert envelope["headers"]["access-control-allow-origin"] == "https://a.example"
        if status == 500:
            assert reply(envelope).error == (500, "answer_too_large")
        compressed = client("GET", "/v1/compositions", accept_encoding="br")
        assert (compressed.status, compressed.body.decode()) == (200, text)


def test_pages_of_the_origins_named_may_ask_and_no_others(ann, deploy):
    client = ann.through(deploy(ALLOWED_ORIGINS="https://a.example,https://b.example").handler)
    preflight = {
        "access_control_request_method": "PUT",
        "access_control_request_headers": "authorization, if-match, composition-origin",
    }
    for origin in ("https://a.example", "https://b.example"):
        asked = client("OPTIONS", HERE, origin=origin, **preflight)
        assert (asked.status, asked.body) == (204, b"")
        assert asked.headers["access-control-allow-origin"] == origin
        assert "PUT" in asked.headers["access-control-allow-methods"]
        for target, status in ((HERE, 404), ("/nothing", 404), ("/v1/compositions", 200)):
            answer = client("GET", target, origin=origin)
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == origin
            assert "ETag" in answer.headers["access-control-expose-headers"]
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers
    for origin in ("https://c.example", "null", "https://a.example.c.example"):
        asked = client("OPTIONS", HERE, origin=origin, **preflight)
        assert asked.error == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in asked.headers
        assert "access-control-allow-origin" not in client("GET", HERE, origin=origin).headers


def test_tokens_of_links_are_not_logged(ann, anybody, caplog, capsys):
    caplog.set_level("DEBUG")
    link = ann("POST", f"{create(ann)}/links", {"role": "viewer"})
    assert anybody("GET", f"/v1/links/{link.json['token']}").status == 200
    assert ann("POST", f"/v1/links/{link.json['token']}/accept").error[0] == 409
    printed = capsys.readouterr()
    assert link.json["token"] not in caplog.text + printed.out + printed.err
    assert ann.token not in caplog.text + printed.out + printed.err


def test_a_body_comes_as_text_or_as_base64(api, ann):
    body = json.dumps({"title": "T", "document": small()})
    sent = event("POST", "/v1/compositions", body, {"authorization": f"Bearer {ann.token}"})
    assert reply(api(sent, None)).status == 201
    encoded = sent | {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    assert reply(api(encoded, None)).status == 201


def test_health_tells_which_part_is_gone(anybody, without_cache, without_database, deploy):
    def health(client: Client) -> tuple[int, str, str, str]:
        answer = client("GET", "/healthz")
        told = answer.json
        return answer.status, told["status"], told["database"], told["cache"]

    off = Client(deploy(UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN="").handler)
    assert health(anybody) == (200, "ok", "ok", "ok")
    assert health(off) == (200, "ok", "ok", "off")
    assert health(Client(without_cache)) == (200, "degraded", "ok", "unavailable")
    assert health(Client(without_database)) == (503, "degraded", "unavailable", "ok")


def test_headers_of_an_answer_replace_those_of_all():
    answer = Answer(200, b"{}", {"cache-control": "no-store"})
    assert answer.headers.getlist("cache-control") == ["no-store"]
