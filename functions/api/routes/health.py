"""Whether the parts answer."""

from __future__ import annotations

import asyncio
import platform
from uuid import UUID

from fastapi import Request, Response

from functions.api import VERSION
from functions.api.answers import Answer
from functions.api.routing import router
from functions.api.services import Services
from functions.core.cache import CacheUnavailable, Entry
from functions.core.database import encode
from functions.core.problems import DatabaseProblem, DatabaseUnavailable

routes = router()

_DEADLINE_SECONDS = 2


@routes.get("/healthz")
async def check_health(request: Request) -> Response:
    """Whether the database and the cache answer. Without a cache, loads are slower, and right."""
    services: Services = request.app.state.services
    database, cache = await asyncio.gather(_database(services), _cache(services))
    answers = {
        "status": "ok" if database == "ok" and cache in {"ok", "off"} else "degraded",
        "database": database,
        "cache": cache,
        "version": VERSION,
        "python": platform.python_version(),
    }
    return Answer(200 if database == "ok" else 503, encode(answers), {"cache-control": "no-store"})


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await services.database.read("open_share_link", None, token="")
    except DatabaseProblem as problem:
        # Whoever says that no link has this token has looked.
        return "ok" if problem.code == "link_not_found" else "unavailable"
    except (DatabaseUnavailable, TimeoutError):
        return "unavailable"
    return "ok"


async def _cache(services: Services) -> str:
    if services.settings.upstash_redis_rest_url is None:
        return "off"
    nobody = Entry(UUID(int=0), UUID(int=0), "0" * 32, None)
    try:
        await services.cache.peek(nobody)
    except CacheUnavailable:
        return "unavailable"
    return "ok"
