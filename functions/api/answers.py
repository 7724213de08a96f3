"""Answers: bytes that are JSON already, with the headers that all of them have."""

from __future__ import annotations

import time
from collections.abc import Mapping

from fastapi import Request, Response

from functions.api.headers import takes_brotli
from functions.core.compression import compress
from functions.core.database import encode
from functions.core.problems import Problem

# What a smaller body saves is less than its header.
_LEAST_COMPRESSED_BYTES = 1000

_COMMON = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Authorization, Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
]


class Answer(Response):
    """JSON text as it is.

    Args:
        status: HTTP status.
        body: The text, encoded as the headers say.
        headers: More of them, names in lower case.
    """

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        # The few things that Starlette's own does, without what no answer of ours needs.
        self.status_code = status
        self.background = None
        self.body = body
        more = headers or {}
        raw = [pair for pair in _COMMON if pair[0].decode() not in more]
        raw += [(name.encode(), value.encode("latin-1")) for name, value in more.items()]
        raw.append((b"content-length", str(len(body)).encode()))
        self.raw_headers = raw


class Timing:
    """How long the parts of an answer took, for `Server-Timing`."""

    def __init__(self) -> None:
        self.started = self._last = time.perf_counter()
        self._parts: list[str] = []

    def lap(self, part: str) -> None:
        """What was done since the last call was this."""
        now = time.perf_counter()
        self._parts.append(f"{part};dur={(now - self._last) * 1000:.2f}")
        self._last = now

    def milliseconds(self) -> float:
        """Since the beginning."""
        return (time.perf_counter() - self.started) * 1000

    def __str__(self) -> str:
        return ", ".join(self._parts)


def text_answer(request: Request, text: bytes, headers: Mapping[str, str]) -> Answer:
    """An answer of a text that is not cached, compressed if that is worth it."""
    if len(text) < _LEAST_COMPRESSED_BYTES or not wants_brotli(request):
        return Answer(200, text, headers)
    return Answer(200, compress(text), {**headers, "content-encoding": "br"})


def wants_brotli(request: Request) -> bool:
    """Whether the client rather has brotli."""
    return takes_brotli(request.headers.get("accept-encoding", ""))


def problem_answer(problem: Problem) -> Answer:
    """A refusal or a failure in the one shape of all."""
    headers = {}
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    if problem.status == 503:
        headers["retry-after"] = "1"
    return Answer(problem.status, encode(problem.body()), headers)
