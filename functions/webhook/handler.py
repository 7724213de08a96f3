"""The database webhook: forget what the database says has changed, at once.

Whoever can reach the URL can call it, so a body is a run of bytes until it is proved that the
database has signed it, a short while ago, and that it has not come before.
The call is a nudge. What it fails to do the sweep does, so it never has to be sent again, and one
that is lost, doubled or late does no harm.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from functions.core.cache import CacheUnavailable
from functions.core.invalidation import Invalidation, deliver, drain
from functions.core.loop import run
from functions.core.metrics import Metrics
from functions.core.parts import Parts, parts
from functions.core.problems import DatabaseUnavailable, Json, Problem
from functions.core.runtime import Context, seconds_to_work
from functions.core.settings import SettingsError

PATH = "/webhooks/database"
# 500 rows of the outbox, the most that a call names, are some 85 kB.
MAX_BYTES = 256 * 1024
TOLERANCE_SECONDS = 300

_SIGNATURE = re.compile(r"v1=([0-9a-f]{64})")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")

_CACHE_UNAVAILABLE = Problem(
    503, "cache_unavailable", "the cache gives no answer", "Leave it to the sweep."
)


def handler(event: Json, context: Context) -> Json:
    """Answer a call of the function's URL.

    Args:
        event: Payload format 2.0.
        context: Of the runtime.
    """
    try:
        said = run(_receive(parts(), event, context))
    except CacheUnavailable:
        return _refusal(_CACHE_UNAVAILABLE)
    except Problem as problem:
        return _refusal(problem)
    return _answer(200, said)


async def _receive(its: Parts, event: Json, context: Context) -> Json:
    until = asyncio.get_running_loop().time() + seconds_to_work(context)
    if not its.settings.webhook_secrets:
        raise SettingsError("WEBHOOK_SECRETS is not set")
    body, digest = _proved(event, its.settings.webhook_secrets)
    if not await its.cache.is_first(digest, 2 * TOLERANCE_SECONDS):
        raise Problem(409, "webhook_replayed", "this call has come before", "Sign a new one.")

    invalidations, more = _read(body)
    lags = await deliver(its.cache, its.database, invalidations)
    if more:
        # What is named here is delivered; what is left after a failure, or at the end of the time,
        # is the sweep's.
        with contextlib.suppress(TimeoutError, CacheUnavailable, DatabaseUnavailable):
            async with asyncio.timeout_at(until):
                async for delivered in drain(its.cache, its.database):
                    lags += delivered
    metrics = Metrics("webhook")
    for lag in lags:
        metrics.measure("InvalidationLag", lag)
    metrics.flush()
    return {"delivered": len(lags)}


def _proved(event: Json, secrets: Sequence[str]) -> tuple[bytes, str]:
    """The body of a call that the database has made, and what is never the same in two of them.

    Raises:
        Problem: 404, 405, 413 or 401: it is none.
    """
    if event.get("rawPath") != PATH:
        raise Problem(404, "route_not_found", "there is nothing here", f"It is at {PATH}.")
    if event["requestContext"]["http"]["method"] != "POST":
        raise Problem(405, "method_not_allowed", "this is for the database to POST to", "POST it.")
    body = _body(event)
    sent = _TIMESTAMP.fullmatch(event["headers"].get("x-webhook-timestamp", ""))
    claimed = _SIGNATURE.fullmatch(event["headers"].get("x-webhook-signature", ""))
    if sent is None or claimed is None or not _is_signed(body, sent[0], claimed[1], secrets):
        raise Problem(
            401, "invalid_signature", "the database has not signed this", "Compare the secrets."
        )
    if abs(time.time() - int(sent[0])) > TOLERANCE_SECONDS:
        raise Problem(401, "webhook_expired", "this call is too old", "Compare the clocks.")
    return body, claimed[1]


def _body(event: Json) -> bytes:
    text: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        body = text.encode(errors="surrogatepass")
    else:
        try:
            body = base64.b64decode(text, validate=True)
        except binascii.Error:
            body = b""
    if len(body) <= MAX_BYTES:
        return body
    raise Problem(
        413, "body_too_large", f"a body has at most {MAX_BYTES} bytes", "Name less, set more."
    )


def _is_signed(body: bytes, sent: str, claimed: str, secrets: Sequence[str]) -> bool:
    signed = sent.encode() + b"." + body
    # With each secret, whatever the one before said: no time tells which one it was.
    matches = [
        hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256").hex(), claimed)
        for secret in secrets
    ]
    return any(matches)


def _read(body: bytes) -> tuple[list[Invalidation], bool]:
    """The rows that a call names, and whether there are more."""
    try:
        match json.loads(body):
            case {
                "type": "INSERT",
                "schema": "private",
                "table": "cache_outbox",
                "records": list(rows),
                "more": bool(more),
            }:
                return [Invalidation.read(row) for row in rows], more
    except (ValueError, RecursionError):
        pass
    raise Problem(
        422, "invalid_webhook", "this names no rows of the outbox", "Let private.poke() call."
    )


def _refusal(problem: Problem) -> Json:
    headers = {"allow": "POST"} if problem.status == 405 else {}
    return _answer(problem.status, problem.body(), headers)


def _answer(status: int, body: Json, headers: Mapping[str, str] = MappingProxyType({})) -> Json:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store", **headers},
        "body": json.dumps(body),
    }
