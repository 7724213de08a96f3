"""The account of who is signed in."""

from __future__ import annotations

from fastapi import Response

from functions.api.calls import SignedIn
from functions.api.models import AccountDeletion
from functions.api.routing import router

routes = router()


@routes.get("/v1/account/data")
async def export_my_data(call: SignedIn, after: str | None = None, limit: int = 20) -> Response:
    """Export all that is held about the caller, page by page."""
    return await call.read("export_my_data", after=after, row_limit=limit)


@routes.delete("/v1/account")
async def delete_my_account(deletion: AccountDeletion, call: SignedIn) -> Response:
    """Delete the caller's account, and what hangs on it."""
    return await call.write(
        "delete_my_account",
        deletion.arguments(),
        viewers=[call.caller.user_id],
        handing_over={"owner_id": call.caller.user_id},
        # Whoever takes over an organisation is another one for all that is in it.
        also="owner_ids",
    )
