"""Documents by their content."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from functions.api.answers import Answer, text_answer
from functions.api.calls import SignedIn
from functions.api.models import Validation
from functions.api.routing import router

routes = router()

# What has this hash never changes.
_FOREVER = "private, max-age=31536000, immutable"


@routes.get("/v1/documents/{content_hash}")
async def get_document(
    content_hash: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], call: SignedIn
) -> Response:
    """Get the document that has this hash, if a version that the caller may see has it."""
    answer = await call.ask("get_document", content_hash=content_hash)
    headers = {
        "etag": f'"{content_hash}"',
        "cache-control": _FOREVER,
        "server-timing": str(call.timing),
    }
    if headers["etag"] in call.request.headers.get("if-none-match", ""):
        return Answer(304, b"", headers)
    return text_answer(call.request, answer.body, headers)


@routes.post("/v1/documents/validate")
async def validate_document(validation: Validation, call: SignedIn) -> Response:
    """Try a document before saving it."""
    return await call.read("validate_document", document=validation.document)
