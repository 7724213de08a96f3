"""Bodies that are patches, RFC 6902 and RFC 7396, told by their media types, passed on as sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends

from functions.api.calls import SignedIn
from functions.api.routing import body_of
from functions.api.strict_json import read_any
from functions.core.database import Verbatim

_FORMATS = {
    "application/json-patch+json": "json-patch",
    "application/merge-patch+json": "merge-patch",
}

# For /openapi.json, since no model describes the body.
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json-patch+json": {
                "schema": {
                    "type": "array",
                    "description": "RFC 6902",
                    "items": {"type": "object"},
                }
            },
            "application/merge-patch+json": {
                "schema": {"type": "object", "description": "RFC 7396"}
            },
        },
    }
}


@dataclass(frozen=True, slots=True)
class Patch:
    """What a request changes.

    Args:
        format: As the database calls it.
        text: JSON; what it has to be is for the database to say.
    """

    format: str
    text: Verbatim

    def arguments(self) -> dict[str, Any]:
        """By the names of the function's arguments."""
        return {"patch": self.text, "format": self.format}


async def _sent(call: SignedIn) -> Patch:
    """Read the patch that somebody sends, and not before it is known who.

    Raises:
        Problem: As body_of() and read_any().
    """
    media_type, body = await body_of(call.request, _FORMATS)
    text = read_any(body)
    return Patch(_FORMATS[media_type], text)


SentPatch = Annotated[Patch, Depends(_sent)]
