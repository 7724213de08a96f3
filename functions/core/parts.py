"""What a process of the functions has one of, made at its first call.

Nothing of it is made at import: that may not fail, and what is connected then is not any more when
a snapshot of the process starts.
"""

from __future__ import annotations

from functools import cache

import httpx

from functions.core.cache import Cache
from functions.core.database import Database, http_client
from functions.core.redis import Redis
from functions.core.settings import Settings


class Parts:
    """The settings, and what they lead to.

    Args:
        settings: Of the environment, or of a test.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.http: httpx.AsyncClient = http_client(settings)
        self.database = Database(settings, self.http)
        self.redis = _redis(settings)
        self.cache = Cache(
            self.redis,
            prefix=settings.cache_prefix,
            deadline_seconds=settings.cache_deadline_seconds,
            ttl_seconds=settings.cache_ttl_seconds,
            negative_ttl_seconds=settings.cache_negative_ttl_seconds,
            breaker_failures=settings.breaker_failures,
            breaker_seconds=settings.breaker_seconds,
            write_block_seconds=settings.write_block_seconds,
        )

    async def close(self) -> None:
        """Close what is connected, for tests: a function is frozen, and never told when it ends."""
        await self.http.aclose()
        if self.redis is not None:
            await self.redis.close()


@cache
def parts() -> Parts:
    """Those of this process.

    Raises:
        SettingsError: The environment lacks something.
    """
    return Parts(Settings.from_environment())


def _redis(settings: Settings) -> Redis | None:
    url, token = settings.upstash_redis_rest_url, settings.upstash_redis_rest_token
    if url is None or token is None:
        return None
    return Redis(url, token, settings.cache_deadline_seconds)
