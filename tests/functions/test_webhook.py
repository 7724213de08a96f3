"""The webhook: what the database says has changed is forgotten, and nobody else can say it."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Callable

import httpx
import psycopg
import pytest
import redis
import respx

from functions.core import keys
from functions.core.parts import Parts
from functions.core.problems import Json
from functions.core.settings import SettingsError
from functions.jobs.handler import sweep
from functions.webhook import handler as webhook
from tests.functions.events import (
    PREVIOUS,
    SECRET,
    Time,
    encoded,
    message,
    signature,
    signed,
    webhook_event,
)

ID = uuid.UUID("00000000-0000-4000-8000-00000000c0de")
USER = uuid.UUID("00000000-0000-4000-8000-0000000000aa")


@pytest.fixture(autouse=True)
def its(deployed: Callable[..., Parts], store: object) -> Parts:
    return deployed(WEBHOOK_SECRETS=f"{SECRET},{PREVIOUS}")


@pytest.fixture
def kept(its: Parts, store: redis.Redis) -> Callable[[], list[str]]:
    """What of a composition and of a user is cached: at first, both."""
    names = {
        "composition": keys.composition_key(its.settings.cache_prefix, ID),
        "user": keys.viewer_key(its.settings.cache_prefix, USER),
    }
    for key in names.values():
        store.hset(key, "g", "lease")
    return lambda: [name for name, key in names.items() if store.exists(key)]


def call(event: Json) -> tuple[int, Json]:
    """What the webhook answers."""
    answer = webhook.handler(event, Time())
    assert answer["headers"]["content-type"] == "application/json"
    return answer["statusCode"], json.loads(answer["body"])


def refusal(event: Json) -> tuple[int, str]:
    status, body = call(event)
    assert body.keys() >= {"error", "message", "hint"}
    return status, body["error"]


def test_what_is_named_is_forgotten_and_acknowledged(outbox, kept):
    rows = outbox.note(ID), outbox.note(user_id=USER)
    assert call(signed(message(*rows))) == (200, {"delivered": 2})
    assert kept() == []
    assert outbox.ids() == []


def test_what_is_not_named_stays(outbox, kept):
    outbox.note(ID)
    row = outbox.note(user_id=USER)
    assert call(signed(message(row))) == (200, {"delivered": 1})
    assert kept() == ["composition"]
    assert len(outbox.ids()) == 1


def test_when_there_is_more_than_is_named_it_is_fetched(outbox, kept):
    outbox.note(ID, due=True)
    row = outbox.note(user_id=USER)
    assert call(signed(message(row, more=True))) == (200, {"delivered": 2})
    assert kept() == []
    assert outbox.ids() == []


@respx.mock
def test_what_is_named_is_delivered_even_if_the_rest_cannot_be_fetched(outbox, kept):
    respx.post(path__regex="pending_invalidations$").mock(side_effect=httpx.ReadError("reset"))
    respx.route().pass_through()
    row = outbox.note(user_id=USER)
    assert call(signed(message(row, more=True))) == (200, {"delivered": 1})
    assert outbox.ids() == []


def test_the_database_signs_what_the_webhook_checks(addresses):
    body = message({"id": 1, "title": "ünd"})
    mine = signature(body)
    with psycopg.connect(addresses["database_url"]) as operator:
        theirs = operator.execute(
            "select encode(private.hmac_sha256(%s, %s || '.' || %s), 'hex')",
            (SECRET, mine["x-webhook-timestamp"], body.decode()),
        ).fetchone()
    assert theirs == (mine["x-webhook-signature"].removeprefix("v1="),)


def test_both_secrets_of_a_rotation_open_and_no_other(outbox):
    for secret in (SECRET, PREVIOUS):
        assert call(signed(message(outbox.note(ID)), secret=secret)) == (200, {"delivered": 1})
    body = message(outbox.note(ID))
    assert refusal(signed(body, secret=SECRET[:-1])) == (401, "invalid_signature")
    assert refusal(signed(body, secret="")) == (401, "invalid_signature")
    assert len(outbox.ids()) == 1


def test_a_body_may_come_in_base64(outbox, kept):
    assert call(encoded(signed(message(outbox.note(ID))))) == (200, {"delivered": 1})
    assert kept() == ["user"]


def never(*_: object, **__: object) -> None:
    raise AssertionError("JSON was parsed")


BODY = message(
    {"id": 7, "composition_id": str(ID), "user_id": None, "created_at": "2026-01-01T00:00Z"}
)
TOO_LARGE = b" " * (webhook.MAX_BYTES + 1)


def with_header(event: Json, name: str, change: Callable[[str], str] | None) -> Json:
    """A call with one header changed; None: without it."""
    headers = dict(event["headers"])
    text = headers.pop(name)
    if change is not None:
        headers[name] = change(text)
    return event | {"headers": headers}


def with_signature(change: Callable[[str], str] | None) -> Callable[[], Json]:
    return lambda: with_header(signed(BODY), "x-webhook-signature", change)


def with_time(change: Callable[[str], str] | None) -> Callable[[], Json]:
    return lambda: with_header(signed(BODY), "x-webhook-timestamp", change)


# Made when they are sent: some depend on the time.
HOSTILE: dict[str, tuple[Callable[[], Json], int, str]] = {
    "no signature": (with_signature(None), 401, "invalid_signature"),
    "an empty one": (with_signature(lambda _: ""), 401, "invalid_signature"),
    "one cut short": (with_signature(lambda text: text[:-1]), 401, "invalid_signature"),
    "one in capitals": (with_signature(str.upper), 401, "invalid_signature"),
    "one without its scheme": (with_signature(lambda text: text[3:]), 401, "invalid_signature"),
    "two": (with_signature(lambda text: f"{text},{text}"), 401, "invalid_signature"),
    "one forged": (lambda: signed(BODY, secret="guessed"), 401, "invalid_signature"),
    "no time": (with_time(None), 401, "invalid_signature"),
    "a later time": (with_time(lambda text: str(int(text) + 1)), 401, "invalid_signature"),
    "a time of words": (with_time(lambda _: "now"), 401, "invalid_signature"),
    "a time of other digits": (with_time(lambda _: "١٢٣"), 401, "invalid_signature"),
    "a body altered": (
        lambda: signed(BODY) | {"body": BODY.decode() + " "},
        401,
        "invalid_signature",
    ),
    "no body": (lambda: signed(BODY) | {"body": None}, 401, "invalid_signature"),
    "no base64": (lambda: signed(BODY) | {"isBase64Encoded": True}, 401, "invalid_signature"),
    "half a character": (lambda: signed(BODY) | {"body": "\ud800"}, 401, "invalid_signature"),
    "expired": (lambda: signed(BODY, at=time.time() - 310), 401, "webhook_expired"),
    "to come": (lambda: signed(BODY, at=time.time() + 600), 401, "webhook_expired"),
    "too large": (lambda: signed(TOO_LARGE), 413, "body_too_large"),
    "too large in base64": (lambda: encoded(signed(TOO_LARGE)), 413, "body_too_large"),
    "GET": (
        lambda: webhook_event(BODY, signature(BODY), method="GET"),
        405,
        "method_not_allowed",
    ),
    "elsewhere": (lambda: webhook_event(BODY, signature(BODY), path="/"), 404, "route_not_found"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_call_that_is_not_the_databases_is_refused_before_it_is_read(name, monkeypatch, kept):
    make, status, code = HOSTILE[name]
    event = make()
    with monkeypatch.context() as patched:
        patched.setattr(json, "loads", never)
        answer = webhook.handler(event, Time())
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (status, code)
    assert kept() == ["composition", "user"]


def test_a_call_that_comes_again_is_refused_before_it_is_read(outbox, monkeypatch):
    event = signed(message(outbox.note(ID)))
    assert call(event) == (200, {"delivered": 1})
    again = outbox.note(ID)
    with monkeypatch.context() as patched:
        patched.setattr(json, "loads", never)
        answers = [webhook.handler(event, Time()), webhook.handler(encoded(event), Time())]
    codes = [(answer["statusCode"], json.loads(answer["body"])["error"]) for answer in answers]
    assert codes == [(409, "webhook_replayed")] * 2
    assert outbox.ids() == [again["id"]]


def test_a_call_is_remembered_for_as_long_as_it_would_be_taken(store, its):
    early = signed(message(), at=time.time() + 299)
    assert call(early) == (200, {"delivered": 0})
    (key,) = store.keys(f"{its.settings.cache_prefix}:s:*")
    assert store.ttl(key) >= 598


def test_what_the_hostile_calls_are_made_of_is_taken_when_it_is_left_as_it_is(kept):
    assert call(signed(BODY)) == (200, {"delivered": 1})
    assert kept() == ["user"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null",
        b"[]",
        b"[" * 100_000,
        BODY.replace(b"INSERT", b"DELETE"),
        BODY.replace(b"cache_outbox", b"secrets"),
        BODY.replace(b'"private"', b'"public"'),
        BODY.replace(b": 7", b": true"),
        BODY.replace(b": 7", b': "7"'),
        BODY.replace(b"4000-", b"4000*"),
        BODY.replace(b"00c0de", b"00c0de:"),
        BODY.replace(b'"user_id": null', b'"user_id": "' + str(USER).encode() + b'"'),
        BODY.replace(b"false", b"0"),
        BODY.replace(b"2026-01-01T00:00Z", b"yesterday"),
        BODY.replace(b"Z", b""),  # a time without its zone
    ],
)
def test_what_is_signed_and_names_no_rows_does_nothing(body, kept):
    assert refusal(signed(body)) == (422, "invalid_webhook")
    assert kept() == ["composition", "user"]


@pytest.mark.parametrize("fault", ["away", "hanging"])
def test_without_redis_nothing_is_acknowledged_and_the_sweep_makes_up_for_it(
    fault, outbox, deployed, kept
):
    event = signed(message(outbox.note(ID, due=True)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        if fault == "away":
            server.close()
        deployed(UPSTASH_REDIS_REST_URL=url, CACHE_DEADLINE_SECONDS="0.1", WEBHOOK_SECRETS=SECRET)
        assert refusal(event) == (503, "cache_unavailable")
    assert len(outbox.ids()) == 1

    deployed()
    assert sweep({}, Time())["delivered"] == 1
    assert kept() == ["user"]
    assert outbox.ids() == []


def test_what_is_forgotten_and_could_not_be_acknowledged_is_delivered_again(outbox, deployed, kept):
    event = signed(message(outbox.note(ID, due=True)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        deployed(SUPABASE_URL=url, DATABASE_DEADLINE_SECONDS="0.2", WEBHOOK_SECRETS=SECRET)
        assert refusal(event) == (503, "database_unavailable")
    assert kept() == ["user"]
    assert len(outbox.ids()) == 1

    deployed()
    assert sweep({}, Time())["delivered"] == 1
    assert outbox.ids() == []


def test_without_a_secret_every_call_fails_loudly(deployed):
    deployed(WEBHOOK_SECRETS="")
    with pytest.raises(SettingsError, match="WEBHOOK_SECRETS"):
        webhook.handler(signed(BODY), Time())


def test_without_a_cache_there_is_nothing_to_forget(outbox, deployed):
    deployed(UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN="", WEBHOOK_SECRETS=SECRET)
    assert call(signed(message(outbox.note(ID)))) == (200, {"delivered": 1})
    assert outbox.ids() == []


def test_the_lag_of_what_is_delivered_is_measured(outbox, capsys):
    assert call(signed(message(outbox.note(ID)))) == (200, {"delivered": 1})
    (line,) = capsys.readouterr().out.splitlines()
    measured = json.loads(line)
    assert measured["Function"] == "webhook"
    assert 0 <= measured["InvalidationLag"] < 600_000
