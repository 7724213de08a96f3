"""Organisations, their members, and invitations."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from functions.api.calls import SignedIn
from functions.api.models import Founding, InvitationToken, Inviting, Joining
from functions.api.routing import router
from functions.core.problems import DatabaseProblem

routes = router()


@routes.post("/v1/organizations", status_code=201)
async def create_organization(founding: Founding, call: SignedIn) -> Response:
    """Create an organisation, with the caller as its owner."""
    return await call.write(
        "create_organization",
        founding.arguments(),
        viewers=[call.caller.user_id],  # home names it
        status=201,
        location="/v1/organizations/{organization_id}",
    )


@routes.put("/v1/organizations/{organization_id}/members/{user_id}")
async def set_organization_member(
    organization_id: UUID, user_id: UUID, joining: Joining, call: SignedIn
) -> Response:
    """Add a person to an organisation, or change their role in it."""
    arguments = joining.arguments() | {"organization_id": organization_id, "user_id": user_id}
    async with call.writing(viewers=[user_id]) as writing:
        try:
            answer = await call.once("add_organization_member", arguments)
        except DatabaseProblem as problem:
            # Under the same key, which makes one of the two happen once: whoever was removed since
            # the first time does not come back by a repeat.
            if problem.code not in {"already_member", "idempotency_key_reused"}:
                raise
            answer = await call.once("set_organization_role", arguments)
    return call.written(answer, writing)


@routes.delete("/v1/organizations/{organization_id}/members/{user_id}")
async def remove_organization_member(
    organization_id: UUID, user_id: UUID, call: SignedIn
) -> Response:
    """Remove a person from an organisation, or leave it."""
    function, arguments = "leave_organization", {"organization_id": organization_id}
    if user_id != call.caller.user_id:
        function, arguments = "remove_organization_member", arguments | {"user_id": user_id}
    # What they own there gets another owner, whom every load of it names.
    return await call.write(
        function,
        arguments,
        viewers=[user_id],
        handing_over={"owner_id": user_id, "organization_id": organization_id},
    )


@routes.get("/v1/organizations/{organization_id}/invitations")
async def list_invitations(organization_id: UUID, call: SignedIn) -> Response:
    """List the invitations to an organisation that nobody has accepted, oldest first."""
    return await call.read("list_invitations", organization_id=organization_id)


@routes.post("/v1/organizations/{organization_id}/invitations", status_code=201)
async def invite_to_organization(
    organization_id: UUID, inviting: Inviting, call: SignedIn
) -> Response:
    """Invite whoever has an e-mail address. The token is shown this once."""
    return await call.write(
        "invite_to_organization",
        inviting.arguments() | {"organization_id": organization_id},
        status=201,
        location="/v1/organizations/{organization_id}/invitations/{invitation_id}",
    )


@routes.delete("/v1/organizations/{organization_id}/invitations/{invitation_id}")
async def revoke_invitation(
    organization_id: UUID,  # noqa: ARG001 - the id of the invitation decides
    invitation_id: UUID,
    call: SignedIn,
) -> Response:
    """Take an invitation back."""
    return await call.write("revoke_invitation", {"invitation_id": invitation_id})


@routes.post("/v1/invitations/accept")
async def accept_invitation(token: InvitationToken, call: SignedIn) -> Response:
    """Become a member of an organisation by an invitation."""
    return await call.write("accept_invitation", token.arguments(), viewers=[call.caller.user_id])
