"""Which pages of other origins may use the API, and what of its answers they see: the one place."""

from __future__ import annotations

from fastapi import FastAPI, Response
from fastapi.datastructures import Headers
from fastapi.middleware.cors import CORSMiddleware

from functions.api.answers import problem_answer
from functions.core.problems import Problem
from functions.core.settings import Settings

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SENT = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
    "Composition-Origin",
)
_SEEN = ("Allow", "ETag", "Location", "Retry-After", "Server-Timing", "X-Cache")


class Cors(CORSMiddleware):
    """Starlette's, around the whole application, so that errors have its headers as well.

    Args:
        app: The application.
        settings: `ALLOWED_ORIGINS`.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=_METHODS,
            allow_headers=_SENT,
            expose_headers=_SEEN,
            max_age=7200,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a browser that asks before it sends."""
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            response = Response(status_code=204, headers=dict(response.headers))
            del response.headers["content-type"], response.headers["content-length"]
            return response
        refusal = problem_answer(
            Problem(
                403,
                "origin_not_allowed",
                "a page of this origin may not send this",
                "An operator may add the origin to ALLOWED_ORIGINS.",
            )
        )
        refusal.headers["vary"] = response.headers["vary"]
        return refusal
