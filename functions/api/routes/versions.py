"""The history of a composition."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from functions.api.calls import SignedIn
from functions.api.models import Label, Updating
from functions.api.routing import router

routes = router()


@routes.get("/v1/compositions/{composition_id}/versions")
async def list_versions(
    composition_id: UUID, call: SignedIn, after: str | None = None, limit: int = 50
) -> Response:
    """List the versions of a composition, newest first."""
    return await call.read(
        "list_versions", composition_id=composition_id, after=after, row_limit=limit
    )


@routes.get("/v1/compositions/{composition_id}/versions/{version}")
async def get_version(composition_id: UUID, version: int, call: SignedIn) -> Response:
    """Get one version of a composition, with its document."""
    return await call.read("get_version", composition_id=composition_id, version=version)


@routes.patch("/v1/compositions/{composition_id}/versions/{version}")
async def label_version(
    composition_id: UUID, version: int, label: Label, call: SignedIn
) -> Response:
    """Give a version a name that people find it by, or take it away."""
    # No load shows a label: nothing has to leave the cache.
    arguments = label.arguments() | {"composition_id": composition_id, "version": version}
    return await call.write("label_version", arguments)


@routes.get("/v1/compositions/{composition_id}/diff")
async def diff_versions(
    composition_id: UUID,
    from_version: Annotated[int, Query(alias="from")],
    to_version: Annotated[int, Query(alias="to")],
    call: SignedIn,
) -> Response:
    """What changed between two versions: for programs, and in sentences for people."""
    return await call.read(
        "diff_versions",
        composition_id=composition_id,
        from_version=from_version,
        to_version=to_version,
    )


@routes.get("/v1/compositions/{composition_id}/upstream")
async def preview_upstream(composition_id: UUID, call: SignedIn) -> Response:
    """What a fork would take over of what became of what it was made from."""
    return await call.read("update_from_upstream", composition_id=composition_id, apply=False)


@routes.post("/v1/compositions/{composition_id}/upstream")
async def update_from_upstream(
    composition_id: UUID, call: SignedIn, updating: Updating | None = None
) -> Response:
    """Take it over, as a version."""
    arguments = (updating or Updating()).arguments() | call.base_version_if_any()
    return await call.change(composition_id, "update_from_upstream", arguments | {"apply": True})
