"""How all routes read their requests: JSON, strictly, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from inspect import signature
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from functions.api.calls import signed_in
from functions.api.strict_json import read_object
from functions.core.problems import Problem

MAX_BODY_BYTES = 2 * 1024 * 1024


class _JsonRequest(Request):
    """A request whose body was read already."""

    _members: dict[str, Any]

    async def json(self) -> dict[str, Any]:
        return self._members

    async def read(self) -> None:
        """Read it.

        Raises:
            Problem: As body_of(), and as read_object().
        """
        _, body = await body_of(self, ("application/json",))
        self._members = read_object(body) if body else {}


async def body_of(request: Request, media_types: Iterable[str]) -> tuple[str, bytes]:
    """The media type and the body of a request; an empty one may have any.

    Raises:
        Problem: 413 `body_too_large`; 415 `not_json`: it is sent as something else.
    """
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise Problem(
            413,
            "body_too_large",
            "the body has more than 2 MiB",
            "Send less: a document has at most 1 MiB.",
        )
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    media_type, charset = media_type.strip(), parameters.strip().removeprefix("charset=").strip('"')
    is_readable = (
        media_type in media_types
        and charset in {"", "utf-8"}
        and request.headers.get("content-encoding", "identity").lower() == "identity"
    )
    if body and not is_readable:
        raise Problem(
            415,
            "not_json",
            "the body is not sent as JSON of the kind that is taken here",
            f"Send Content-Type: {' or '.join(media_types)}, in UTF-8 and not compressed.",
        )
    return media_type, body


class _Route(APIRoute):
    """A route that reads the body itself, if it takes one, and not before it knows whose it is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        if list(signature(self.endpoint).parameters) == ["request"]:
            # FastAPI has nothing to find out here, and takes a sixth of all time outside Redis.
            return self.endpoint
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def read_and_handle(request: Request) -> Response:
            await signed_in(request)
            strict = _JsonRequest(request.scope, request.receive)
            await strict.read()
            return await handle(strict)

        return read_and_handle


def router() -> APIRouter:
    """A router for the routes of one file."""
    return APIRouter(route_class=_Route, generate_unique_id_function=lambda route: route.name)
