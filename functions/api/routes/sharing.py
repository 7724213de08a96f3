"""Shares and links."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from functions.api import loads
from functions.api.calls import SignedIn
from functions.api.models import Grantee, Linking, Nothing, Sharing
from functions.api.routing import router

routes = router()

Token = Annotated[str, Path(max_length=200)]
_GRANTEES = {"user": "user_id", "organization": "organization_id"}


@routes.get("/v1/compositions/{composition_id}/shares")
async def list_shares(composition_id: UUID, call: SignedIn) -> Response:
    """List the shares of a composition, oldest first."""
    return await call.read("list_shares", composition_id=composition_id)


@routes.put("/v1/compositions/{composition_id}/shares/{grantee_id}")
async def share_composition(
    composition_id: UUID, grantee_id: UUID, sharing: Sharing, call: SignedIn
) -> Response:
    """Share a composition with a person or an organisation, or change a share."""
    arguments = {
        "composition_id": composition_id,
        "role": sharing.role,
        _GRANTEES[sharing.grantee]: grantee_id,
        "expires_at": sharing.expires_at,
    }
    return await call.write("share_composition", arguments, compositions=[composition_id])


@routes.delete("/v1/compositions/{composition_id}/shares/{grantee_id}")
async def unshare_composition(
    composition_id: UUID,
    grantee_id: UUID,
    call: SignedIn,
    grantee: Annotated[Grantee, Query()] = "user",
) -> Response:
    """Take a share back. Its owner may, and so may the person it was given to."""
    arguments = {"composition_id": composition_id, _GRANTEES[grantee]: grantee_id}
    return await call.write("unshare_composition", arguments, compositions=[composition_id])


@routes.post("/v1/compositions/{composition_id}/links", status_code=201)
async def create_share_link(composition_id: UUID, linking: Linking, call: SignedIn) -> Response:
    """Make a link to a composition. Its token is shown this once."""
    # It gives nobody anything before somebody opens it: nothing has to leave the cache.
    return await call.write(
        "create_share_link",
        linking.arguments() | {"composition_id": composition_id},
        status=201,
        location="/v1/compositions/{composition_id}/links/{link_id}",
    )


@routes.delete("/v1/compositions/{composition_id}/links/{link_id}")
async def revoke_share_link(composition_id: UUID, link_id: UUID, call: SignedIn) -> Response:
    """Take a link back, and with it what people got through it."""
    async with call.writing([composition_id]) as writing:
        answer = await call.once("revoke_share_link", {"link_id": link_id})
        # The id of the link decides, even if the path names another composition.
        writing.also([UUID(answer.json()["composition_id"])])
    return call.written(answer, writing)


@routes.get("/v1/links/{token}")
async def open_share_link(token: Token, request: Request) -> Response:
    """Open a link: the composition as a load shows it, for whoever has the token."""
    return await loads.open_link(request, token)


@routes.post("/v1/links/{token}/accept")
async def accept_share_link(
    token: Token, call: SignedIn, _nothing: Nothing | None = None
) -> Response:
    """Take the role of a link in person."""
    async with call.writing(viewers=[call.caller.user_id]) as writing:
        answer = await call.once("accept_share_link", {"token": token})
        writing.also([UUID(answer.json()["composition_id"])])
    return call.written(answer, writing)
