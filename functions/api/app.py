"""The application: the routes, and one shape for all that goes wrong.

Errors of the framework are ours, too: whatever a caller does, the answer is `{error, message, hint,
...facts}`, and never says back what was sent.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError

from functions.api import VERSION
from functions.api.answers import Answer, problem_answer
from functions.api.headers import invalid_request
from functions.api.routes import (
    account,
    compositions,
    contexts,
    documents,
    health,
    layers,
    organizations,
    sharing,
    turns,
    versions,
)
from functions.core.problems import Problem

_RESOURCES = (
    *(compositions, versions, layers, contexts, turns, sharing, documents),
    *(organizations, account, health),
)

# What pydantic finds wrong, in words that quote nothing. Its own name what was sent.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "holds a key that is not known",
    "string_type": "has to be a string",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "has another form",
    "list_type": "has to be an array",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "uuid_type": "has to be a UUID",
    "uuid_parsing": "has to be a UUID",
    "literal_error": "is not one of those allowed",
}


def create_app() -> FastAPI:
    """The application. Before its first request, `state.services` has to be set."""
    app = FastAPI(
        title="Compositions",
        # Not include_router(), which would put a router of its own in front of each file.
        routes=[route for resource in _RESOURCES for route in resource.routes.routes],
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            Problem: _problem,
            RequestValidationError: _invalid_request,
            404: _no_route,
            405: _no_method,
            Exception: _fault,
        },
    )
    # FastAPI's own way to have another one.
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    from functions.api.openapi import describe  # noqa: PLC0415 - no other request needs it

    if app.openapi_schema is None:
        app.openapi_schema = describe(app)
    return app.openapi_schema


async def _problem(_request: Request, problem: Exception) -> Answer:
    assert isinstance(problem, Problem)
    return problem_answer(problem)


async def _invalid_request(_request: Request, error: Exception) -> Answer:
    assert isinstance(error, RequestValidationError)
    return problem_answer(invalid_request(_found(found) for found in error.errors()))


def _found(found: dict[str, Any]) -> dict[str, Any]:
    part, *path = found["loc"]
    if found["type"] == "extra_forbidden":
        path = path[:-1]  # the key is the caller's own
    pointer = "".join(f"/{name}" for name in path)
    return {
        "in": part,
        "path": pointer,
        "message": _MESSAGES.get(found["type"], "is not as it has to be"),
    }


async def _no_route(_request: Request, _error: Exception) -> Answer:
    return problem_answer(
        Problem(404, "route_not_found", "there is nothing at this path", "Read /openapi.json.")
    )


async def _no_method(request: Request, _error: Exception) -> Answer:
    answer = problem_answer(
        Problem(
            405,
            "method_not_allowed",
            "there is something at this path, and nothing of it has this method",
            "Use one of those that the header Allow names.",
        )
    )
    # Of all routes at this path: the framework's own names those of the first one.
    allowed = {
        method
        for route in request.app.routes
        if route.path_regex.match(request.scope["path"])
        for method in route.methods
    }
    answer.headers["allow"] = ", ".join(sorted(allowed))
    return answer


async def _fault(_request: Request, _error: Exception) -> Answer:
    # What it was is in the log.
    return problem_answer(internal_error())


def internal_error() -> Problem:
    """What a caller gets to know of a fault of ours."""
    return Problem(
        500, "internal_error", "something went wrong here", "Try again; if it stays, tell us."
    )
