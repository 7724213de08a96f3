"""Clients of the standard library: httpx would take more of the processor than the servers."""

import http.client
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import jwt


class NotAnsweredError(Exception):
    """Something else was answered than what was asked for."""


class Client:
    """One client on one connection, which it keeps.

    Args:
        url: Of the server.
        headers: Of every request.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._headers = dict(headers)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        expect: int = 200,
        **headers: str,
    ) -> tuple[http.client.HTTPMessage, bytes]:
        """Send a request.

        Args:
            method: HTTP's.
            path: With the query.
            body: What to send.
            expect: The status to come back.
            headers: More of them, with _ for -.

        Returns:
            The headers and the body of the answer.

        Raises:
            NotAnsweredError: Another status came back.
        """
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, self._headers | more)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != expect:
            raise NotAnsweredError(f"{method} {path}: {answer.status} {content[:200]!r}")
        return answer.headers, content


def token(jwt_secret: str, user_id: str) -> str:
    """What somebody signed in has, for an hour."""
    claims = {
        "sub": user_id,
        "role": "authenticated",
        "aud": "authenticated",
        "exp": int(time.time()) + 3600,
    }
    return jwt.encode(claims, jwt_secret, algorithm="HS256")
