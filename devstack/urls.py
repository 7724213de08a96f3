"""Function URLs as Lambda has them: a request becomes an event, an answer a response.

Payload format 2.0: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from devstack.serving import HTTPScope

Headers = list[tuple[bytes, bytes]]

# Every other body is handed over as base64.
_TEXT = re.compile(r"text/|application/(json|xml|javascript|[\w.+-]+\+(json|xml))\s*(;|$)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# The connection's own, and what the front counts itself.
_DROPPED = {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"}


class Response(NamedTuple):
    """What the caller of a function URL gets."""

    status: int
    headers: Headers
    body: bytes


class NoResponse(Exception):
    """The function's answer cannot be made a response."""


def event_of(scope: HTTPScope, body: bytes, request_id: str) -> dict[str, Any]:
    """The event that a function gets for a request.

    Args:
        scope: The request, as ASGI has it.
        body: Its body.
        request_id: Names the invocation.
    """
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "cookie":
            cookies += (cookie for part in value.split(";") if (cookie := part.strip()))
        elif name not in _DROPPED - {"content-length"}:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    host = headers.get("host", "")
    address = scope["client"][0] if scope["client"] else ""
    headers |= {
        "x-forwarded-for": address,
        "x-forwarded-proto": "http",
        "x-forwarded-port": host.rpartition(":")[2] or "80",
    }
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": scope["method"],
                "path": path,
                "protocol": f"HTTP/{scope['http_version']}",
                "sourceIp": address,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if query:
        event["queryStringParameters"] = _parameters(query)
    if body:
        event["body"], event["isBase64Encoded"] = _text(body, headers)
    return event


def response_of(answer: bytes) -> Response:
    """What a function's answer means.

    Args:
        answer: The JSON that the runtime posted.

    Raises:
        NoResponse: Lambda would answer 502 for it; the message says why.
    """
    try:
        result = json.loads(answer)
    except ValueError:
        raise NoResponse("not JSON") from None
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result.encode() if isinstance(result, str) else answer
        return Response(200, [(b"content-type", b"application/json")], text)

    status = result["statusCode"]
    headers, cookies = result.get("headers") or {}, result.get("cookies") or []
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if type(status) is not int or not 200 <= status <= 599:
        raise NoResponse(f"{status!r} is no status")
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise NoResponse("headers must be an object, cookies an array")
    pairs = [*headers.items(), *(("set-cookie", cookie) for cookie in cookies)]
    return Response(status, list(_checked(pairs)), _body(result))


def _text(body: bytes, headers: dict[str, str]) -> tuple[str, bool]:
    """A body as the event holds it, and whether that is base64."""
    if _TEXT.match(headers.get("content-type", "").lower()) and "content-encoding" not in headers:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _checked(pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in pairs:
        text = value if isinstance(value, str) else json.dumps(value)
        if not _TOKEN.fullmatch(name) or _CONTROLS.search(text):
            raise NoResponse(f"{name!r} is no header")
        if name.lower() not in _DROPPED:
            yield name.lower().encode(), text.encode()


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body)
    if not result.get("isBase64Encoded"):
        return text.encode(errors="replace")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise NoResponse("the body is not base64") from None
