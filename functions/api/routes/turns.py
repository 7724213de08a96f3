"""Turns of agents, undone."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from functions.api.calls import SignedIn
from functions.api.models import Turn
from functions.api.routing import router

routes = router()


@routes.post("/v1/turns/{turn:path}/undo")
async def undo_turn(turn: str, call: SignedIn, of: Turn | None = None) -> Response:
    """Undo all that a turn of an agent has made in the caller's name."""
    arguments = {"turn": turn} | (of.arguments() if of else {})
    async with call.writing(viewers=[call.caller.user_id]) as writing:
        answer = await call.once("undo_turn", arguments)
        undone = answer.json()
        changed = [item["composition_id"] for item in undone["compositions"] + undone["layers"]]
        writing.also(map(UUID, changed + undone["trashed"]))
        are_all = await call.also_members(writing, undone["organization_ids"])
    writing.settled = writing.settled and are_all
    return call.written(answer, writing)
