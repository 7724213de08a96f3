"""The API with a cache as it is mostly written: a miss is filled in, a write deletes.

It is what the test has to catch: nothing ties a fill to what has been invalidated since its miss,
and nobody is kept out while somebody writes.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from functions.core import cache
from functions.core.cache import (
    Absent,
    Blocked,
    Bypass,
    Cache,
    CacheUnavailable,
    Filled,
    Hit,
    Lease,
    Miss,
    Refused,
    Unchanged,
    Viewer,
    Writing,
)

_NOTHING = b"-"
_TTL_MS = 60_000


class NaiveCache(Cache):
    """The same keys, so that webhook and jobs delete them, without the leases and the blocks."""

    async def read(
        self,
        composition_id: UUID,
        viewer: Viewer,
        known_etag: str | None = None,
        name: str = "",
    ) -> Hit | Unchanged | Absent | Miss | Blocked | Bypass:
        """Look for what the viewer was answered."""
        key, who, _ = self._keys(composition_id, viewer.user_id)
        field = viewer.user_id.hex + viewer.fingerprint + name
        miss = Miss(Lease(composition_id, field, (key, who, ""), "", ""), [])
        try:
            nonce = await self._do("HGET", who, "g")
            entry = await self._do("HGET", key, field)
        except CacheUnavailable as error:
            return Bypass(str(error))
        if nonce is None or entry is None or not entry.startswith(nonce + b"|"):
            return miss
        _, expires_at, etag, size, rest = entry.split(b"|", 4)
        meta, body = rest[: int(size)], rest[int(size) :]
        if int(expires_at) <= self._now():
            return miss
        if etag == _NOTHING:
            return Absent(meta)
        if etag.decode() == known_etag:
            return Unchanged(etag.decode(), meta)
        return Hit(etag.decode(), meta, body)

    async def fill(
        self,
        lease: Lease,
        etag: str,
        meta: bytes,
        body: bytes | None,
        expires_at_ms: int | None = None,
    ) -> Filled | Refused:
        """Keep what the database answered."""
        expires_at = self._now() + _TTL_MS if expires_at_ms is None else expires_at_ms
        return await self._keep(lease, expires_at, etag.encode(), meta, body or b"")

    async def fill_absent(self, lease: Lease, meta: bytes = b"") -> Filled | Refused:
        """Keep that there is nothing."""
        return await self._keep(lease, self._now() + _TTL_MS, _NOTHING, meta, b"")

    @asynccontextmanager
    async def writing(
        self, compositions: Iterable[UUID] = (), viewers: Iterable[UUID] = ()
    ) -> AsyncIterator[Writing]:
        """Delete after the write."""
        writing = Writing([], [], self._prefix)
        writing.also(compositions, viewers)
        yield writing
        try:
            if writing.keys:
                await self._do("UNLINK", *writing.keys)
            writing.settled = True
        except CacheUnavailable:
            pass

    async def _keep(
        self, lease: Lease, expires_at: int, etag: bytes, meta: bytes, body: bytes
    ) -> Filled | Refused:
        key, who, _ = lease.keys
        try:
            nonce = await self._do("HGET", who, "g")
            if nonce is None:
                nonce = secrets.token_hex(8).encode()
                await self._do("HSET", who, "g", nonce)
            numbers = b"%d" % expires_at, etag, b"%d" % len(meta)
            entry = b"|".join((nonce, *numbers, meta + body))
            await self._do("HSET", key, lease.viewer, entry)
        except CacheUnavailable as error:
            return Refused(str(error))
        return Filled(None)

    async def _do(self, *command: Any) -> Any:
        return await self._guarded(lambda redis: redis.execute([*command]), lambda answer: answer)


cache.Cache = NaiveCache  # type: ignore[misc]

from functions.api.handler import handler  # noqa: E402

__all__ = ["handler"]
