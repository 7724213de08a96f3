"""What people and organisations change for themselves, without touching the composition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from functions.api import patches
from functions.api.calls import SignedIn
from functions.api.models import Parameter, Promotion, Scope
from functions.api.patches import Patch, SentPatch
from functions.api.routing import router

routes = router()

Scoped = Annotated[Scope, Query()]


class _Reset(Scope):
    """What is taken back of a layer: what is at one of these paths or below it."""

    path: list[str] | None = None


class _Clearing(Scope):
    """For whom a parameter is cleared."""

    scope: str = "composition"
    message: str | None = None


@routes.get("/v1/compositions/{composition_id}/layer")
async def get_layer(composition_id: UUID, scoped: Scoped, call: SignedIn) -> Response:
    """Look at a layer, and how much of it still applies."""
    return await call.read("get_layer", composition_id=composition_id, **scoped.model_dump())


@routes.put("/v1/compositions/{composition_id}/layer", openapi_extra=patches.BODY)
async def set_layer(
    composition_id: UUID, scoped: Scoped, call: SignedIn, patch: SentPatch
) -> Response:
    """Make a patch of the version that `If-Match` names all of a layer."""
    return await _set_layer(call, composition_id, scoped, patch, "replace")


@routes.patch("/v1/compositions/{composition_id}/layer", openapi_extra=patches.BODY)
async def extend_layer(
    composition_id: UUID, scoped: Scoped, call: SignedIn, patch: SentPatch
) -> Response:
    """Make a patch part of a layer, on top of what it changes already."""
    return await _set_layer(call, composition_id, scoped, patch, "extend")


@routes.delete("/v1/compositions/{composition_id}/layer")
async def reset_layer(
    composition_id: UUID, reset: Annotated[_Reset, Query()], call: SignedIn
) -> Response:
    """Take a layer back, or what it changes at some paths."""
    arguments = reset.model_dump(exclude={"path"}) | {"paths": reset.path}
    return await _write(call, composition_id, "reset_layer", arguments)


@routes.post("/v1/compositions/{composition_id}/layer/promote")
async def promote_layer(composition_id: UUID, promotion: Promotion, call: SignedIn) -> Response:
    """Make a layer a version for everybody, or a composition of the caller's own."""
    arguments = promotion.arguments() | {"composition_id": composition_id}
    # The layer is gone then, for one or for all.
    return await call.write(
        "promote_layer", arguments, compositions=[composition_id], viewers=[call.caller.user_id]
    )


@routes.put("/v1/compositions/{composition_id}/parameters/{name}")
async def set_parameter(
    composition_id: UUID, name: str, parameter: Parameter, call: SignedIn
) -> Response:
    """Set one parameter, for everybody or in a layer."""
    arguments = {"scope": parameter.scope} | parameter.arguments() | call.base_version_if_any()
    return await _write(call, composition_id, "set_parameter", arguments | {"name": name})


@routes.delete("/v1/compositions/{composition_id}/parameters/{name}")
async def clear_parameter(
    composition_id: UUID, name: str, clearing: Annotated[_Clearing, Query()], call: SignedIn
) -> Response:
    """Take one parameter away, for everybody or in a layer."""
    arguments = clearing.model_dump() | call.base_version_if_any()
    return await _write(call, composition_id, "clear_parameter", arguments | {"name": name})


async def _set_layer(
    call: SignedIn, composition_id: UUID, scoped: Scope, patch: Patch, mode: str
) -> Response:
    arguments = scoped.model_dump() | patch.arguments()
    arguments |= {"base_version": call.base_version(), "mode": mode}
    return await _write(call, composition_id, "set_layer", arguments)


async def _write(
    call: SignedIn, composition_id: UUID, function: str, arguments: Mapping[str, Any]
) -> Response:
    """A write to a composition, or to a layer: of one's own, then nobody else sees another one."""
    if arguments["scope"] != "me":
        return await call.change(composition_id, function, arguments)
    arguments = {**arguments, "composition_id": composition_id}
    return await call.write(function, arguments, viewers=[call.caller.user_id])
