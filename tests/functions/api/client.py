"""Requests to the API as its function URL makes events of them, and answers as it sends them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import brotli

from functions.core.problems import Json

Handler = Callable[[Json, Any], Json]


@dataclass(frozen=True)
class Reply:
    """What the client gets."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> bytes:
        """Its bytes without their encoding."""
        if self.headers.get("content-encoding") == "br":
            decoded: bytes = brotli.decompress(self.content)
            return decoded
        return self.content

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """Status and code of a refusal; holds it to the one shape of all."""
        assert self.headers["content-type"] == "application/json"
        assert {"error", "message", "hint"} <= self.json.keys(), self.json
        return self.status, self.json["error"]


def event(
    method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
) -> Json:
    """The event of a request; a body that is neither text nor bytes is sent as JSON."""
    parts = urlsplit(target)
    sent = {"host": "functions.example", "content-type": "application/json"} | (headers or {})
    is_base64 = isinstance(body, bytes)
    if is_base64:
        body = base64.b64encode(body).decode()
    elif body is not None and not isinstance(body, str):
        body = json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": {name: value for name, value in sent.items() if value},
        "requestContext": {
            "http": {"method": method, "path": parts.path, "sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def reply(answer: Json) -> Reply:
    """What the client gets when a handler answers this."""
    content = answer.get("body", "")
    return Reply(
        answer["statusCode"],
        answer["headers"],
        base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode(),
    )


class Client:
    """Somebody who asks the API.

    Args:
        handler: Of the API.
        token: Of their session; None: nobody is signed in.
        id: Theirs.
        email: Theirs.
    """

    def __init__(
        self, handler: Handler, token: str | None = None, id: str = "", email: str = ""
    ) -> None:
        self.handler = handler
        self.token = token
        self.id = id
        self.email = email

    def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> Reply:
        """Ask; headers are named with underscores, and one that is empty is not sent."""
        sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if self.token is not None:
            sent = {"authorization": f"Bearer {self.token}"} | sent
        return reply(self.handler(event(method, target, body, sent), None))

    def through(self, handler: Handler) -> Client:
        """The same person, asking another deployment."""
        return Client(handler, self.token, self.id, self.email)
