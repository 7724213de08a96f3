"""Contexts: what is shown where, to whom."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from functions.api import loads
from functions.api.calls import SignedIn, signed_in
from functions.api.models import Pin, Scope
from functions.api.routing import router

routes = router()

_CONTEXT = {
    "name": "context",
    "in": "path",
    "required": True,
    "description": "Such as home, or route:/videos: docs/contexts.md",
    "schema": {"type": "string", "maxLength": 200},
}


@routes.get("/v1/home")
async def load_home(request: Request) -> Response:
    """Load all that a first page needs."""
    return await loads.answer_load(await signed_in(request), loads.home)


@routes.get("/v1/contexts/{context:path}", openapi_extra={"parameters": [_CONTEXT]})
async def resolve_context(request: Request) -> Response:
    """Load whichever composition is pinned in a context, for the caller or by an organisation."""
    call = await signed_in(request)
    return await loads.answer_load(call, loads.context(request.path_params["context"]))


@routes.get("/v1/pins")
async def list_pins(call: SignedIn) -> Response:
    """List the caller's pins, and the defaults of their organisations."""
    return await call.read("list_pins")


@routes.put("/v1/pins/{context:path}")
async def pin_composition(context: str, pin: Pin, call: SignedIn) -> Response:
    """Show a composition in a context, to the caller or to the members of an organisation."""
    return await _write(call, "pin_composition", pin.arguments() | {"context": context})


@routes.delete("/v1/pins/{context:path}")
async def unpin_composition(
    context: str, scoped: Annotated[Scope, Query()], call: SignedIn
) -> Response:
    """Show it there no more."""
    return await _write(call, "unpin_composition", scoped.model_dump() | {"context": context})


async def _write(call: SignedIn, function: str, arguments: dict[str, Any]) -> Response:
    if arguments.get("scope", "me") == "me":
        return await call.write(function, arguments, viewers=[call.caller.user_id])
    async with call.writing() as writing:
        answer = await call.once(function, arguments)
        are_all = await call.also_members(writing, [answer.json()["organization_id"]])
    writing.settled = writing.settled and are_all
    return call.written(answer, writing)
