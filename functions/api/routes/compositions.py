"""Compositions: found, loaded, made, changed, and thrown away."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from functions.api import loads, outline, patches
from functions.api.calls import SignedIn, signed_in
from functions.api.headers import invalid
from functions.api.models import (
    Creation,
    Filter,
    Forking,
    Metadata,
    Nothing,
    Restoring,
    Save,
    Transfer,
)
from functions.api.patches import SentPatch
from functions.api.routing import router

routes = router()

_HERE = "/v1/compositions/{composition_id}"
_MOST_CHARACTERS = 6500  # a hundred ids of the longest
_PARAMETERS = [
    {
        "name": "composition_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    {
        "name": "layered",
        "in": "query",
        "description": "false: the document itself, without anybody's layers, for whoever edits it",
        "schema": {"type": "boolean", "default": True},
    },
    {
        "name": "view",
        "in": "query",
        "description": "The tree alone: ids, types and children, for whoever cannot take in all.",
        "schema": {"type": "string", "enum": ["outline"]},
    },
    {
        "name": "components",
        "in": "query",
        "description": "Ids of components, separated by commas: these alone, whole.",
        "schema": {"type": "string", "maxLength": _MOST_CHARACTERS},
    },
]


@routes.get("/v1/compositions/{composition_id}", openapi_extra={"parameters": _PARAMETERS})
async def load_composition(request: Request) -> Response:
    """Load a composition: its head, and what is known about it. Or an outline, or parts of it."""
    # The one route that reads its parameters itself: FastAPI's way costs half as much again as all
    # else that a hit does here.
    call = await signed_in(request)
    asked, cut = _parameters(request)
    return await loads.answer_load(call, asked, cut)


@routes.get("/v1/compositions")
async def list_my_compositions(filter: Annotated[Filter, Query()], call: SignedIn) -> Response:
    """List what the caller may view, last changed first."""
    keys = filter.model_dump(mode="json", exclude_none=True, exclude={"after", "limit"})
    return await call.read(
        "list_my_compositions", filter=keys, after=filter.after, row_limit=filter.limit
    )


@routes.post("/v1/compositions", status_code=201)
async def create_composition(creation: Creation, call: SignedIn) -> Response:
    """Create a composition with its first version."""
    return await call.write("create_composition", creation.arguments(), status=201, location=_HERE)


@routes.put("/v1/compositions/{composition_id}")
async def save_version(composition_id: UUID, save: Save, call: SignedIn) -> Response:
    """Append a version, made from the one that `If-Match` names, and make it the head."""
    edit = {"document": save.document}
    return await _edit(call, composition_id, "save_version", edit, save.arguments())


@routes.patch("/v1/compositions/{composition_id}", openapi_extra=patches.BODY)
async def patch_composition(
    composition_id: UUID,
    call: SignedIn,
    patch: SentPatch,
    message: str | None = None,
    on_conflict: str = "reject",
) -> Response:
    """Append a version, made by a patch from the one that `If-Match` names."""
    edit = patch.arguments()
    more = {"message": message, "on_conflict": on_conflict}
    return await _edit(call, composition_id, "patch_composition", edit, edit | more)


@routes.delete("/v1/compositions/{composition_id}")
async def delete_composition(composition_id: UUID, call: SignedIn) -> Response:
    """Put a composition into the trash, if its head is the version that `If-Match` names."""
    arguments = {"base_version": call.base_version()}
    return await call.change(composition_id, "delete_composition", arguments)


@routes.patch("/v1/compositions/{composition_id}/metadata")
async def update_metadata(composition_id: UUID, metadata: Metadata, call: SignedIn) -> Response:
    """Change title, description or tags."""
    return await _write(call, composition_id, "update_metadata", metadata.arguments())


@routes.post("/v1/compositions/{composition_id}/restore")
async def restore_version(composition_id: UUID, restoring: Restoring, call: SignedIn) -> Response:
    """Bring an earlier version back, as a new version."""
    return await _write(call, composition_id, "restore_version", restoring.arguments())


@routes.post("/v1/compositions/{composition_id}/fork", status_code=201)
async def fork_composition(composition_id: UUID, forking: Forking, call: SignedIn) -> Response:
    """Make a composition of the caller's own out of one they may view."""
    arguments = forking.arguments() | {"composition_id": composition_id}
    return await call.write("fork_composition", arguments, status=201, location=_HERE)


@routes.post("/v1/compositions/{composition_id}/undelete")
async def undelete_composition(
    composition_id: UUID, call: SignedIn, _nothing: Nothing | None = None
) -> Response:
    """Take a composition out of the trash."""
    return await _write(call, composition_id, "undelete_composition", {})


@routes.post("/v1/compositions/{composition_id}/purge")
async def purge_composition(
    composition_id: UUID, call: SignedIn, _nothing: Nothing | None = None
) -> Response:
    """Delete a composition in the trash for good."""
    return await call.write(
        "purge_composition",
        {"composition_id": composition_id},
        compositions=[composition_id],
        # Pins go along, and home names their contexts.
        viewers=[call.caller.user_id],
    )


@routes.post("/v1/compositions/{composition_id}/transfer")
async def transfer_composition(
    composition_id: UUID, transfer: Transfer, call: SignedIn
) -> Response:
    """Say who owns a composition from now on, and which organisation it belongs to."""
    return await _write(call, composition_id, "transfer_composition", transfer.arguments())


async def _write(
    call: SignedIn, composition_id: UUID, function: str, arguments: dict[str, object]
) -> Response:
    arguments = arguments | {"composition_id": composition_id}
    return await call.write(function, arguments, compositions=[composition_id])


async def _edit(
    call: SignedIn,
    composition_id: UUID,
    function: str,
    edit: Mapping[str, object],
    arguments: Mapping[str, object],
) -> Response:
    """A save, in whichever way it says what it changes, which may be merged if it is stale."""
    base = {"base_version": call.base_version()}
    edit = {**edit, **base}
    answer = await call.change(composition_id, function, {**arguments, **base}, edit)
    written = json.loads(bytes(answer.body))
    if written.get("merged") is False:
        raise await call.unmerged(composition_id, written, edit)
    return answer


def _parameters(request: Request) -> tuple[loads.Asked, Callable[[str], bytes] | None]:
    """What is loaded, and what cuts the part that is asked for; None: all of it."""
    try:
        composition_id = UUID(request.path_params["composition_id"].encode("ascii").decode())
    except ValueError:
        raise invalid("path", "composition_id", "has to be a UUID") from None
    if not request.scope["query_string"]:
        return loads.composition(composition_id), None
    layered, view, components = map(request.query_params.get, ("layered", "view", "components"))
    if layered not in {None, "true", "false"}:
        raise invalid("query", "layered", "has to be true or false")
    if view not in {None, "outline"}:
        raise invalid("query", "view", "is not one of those allowed")
    if components is not None and (view is not None or len(components) > _MOST_CHARACTERS):
        raise invalid("query", "components", "is too long, or not alone")
    asked = loads.composition(composition_id, layered=layered != "false")
    if components is None:
        return asked, None if view is None else outline.outline
    return asked, lambda text: outline.some(text, components.split(","))
