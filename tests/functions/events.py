"""What the Lambda runtime hands to a handler, for tests that call it themselves."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

from functions.core.problems import Json
from functions.webhook.handler import PATH

# As a rotation has them: the current one, the previous one.
SECRET, PREVIOUS = "the current secret of the webhook", "the previous secret of the webhook"


class Time:
    """The context of a call that may take so long."""

    def __init__(self, seconds: float = 300) -> None:
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * max(0, self._until - time.monotonic()))


def webhook_event(
    body: bytes, headers: dict[str, str], *, method: str = "POST", path: str = PATH
) -> Json:
    """A call of a function's URL, payload format 2.0."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", **headers},
        "requestContext": {"http": {"method": method, "path": path}},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def encoded(event: Json) -> Json:
    """The same call, as it comes when its body is no text for the runtime."""
    body = base64.b64encode(event["body"].encode()).decode()
    return event | {"body": body, "isBase64Encoded": True}


def signature(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers that private.poke() sends with a body."""
    sent = str(int(time.time() if at is None else at))
    digest = hmac.digest(secret.encode(), sent.encode() + b"." + body, "sha256").hex()
    return {"x-webhook-timestamp": sent, "x-webhook-signature": f"v1={digest}"}


def message(*rows: Any, more: bool = False) -> bytes:
    """The body that private.poke() sends."""
    return json.dumps(
        {
            "type": "INSERT",
            "schema": "private",
            "table": "cache_outbox",
            "records": rows,
            "more": more,
        }
    ).encode()


def signed(body: bytes, **by: Any) -> Json:
    """The call that private.poke() makes."""
    return webhook_event(body, signature(body, **by))
