"""An HTTP proxy on loopback that loses, delays, doubles and answers what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

CANNED = b"HTTP/1.1 %d Canned\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Args:
        head: Request line and header lines.
        body: Its body.
        peer: The port it came from.
    """

    head: bytes
    body: bytes
    peer: int

    @property
    def path(self) -> str:
        """What it asks for."""
        return self.head.split(b" ", 2)[1].decode()


Send = Callable[[Request], Awaitable[bytes]]
Handle = Callable[[Request, Send], Awaitable[bytes]]


async def pass_on(request: Request, send: Send) -> bytes:
    """What a proxy does without a fault."""
    return await send(request)


def canned(status: int, body: bytes = b"") -> bytes:
    """An answer that the other side never gave."""
    return CANNED % (status, len(body), body)


@dataclass
class Proxy:
    """Stands before a server, once it is told which; until then nobody gets an answer."""

    url: str = ""
    _before: tuple[str, int] | None = None
    _handle: Handle = pass_on
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stand_before(self, url: str, handle: Handle) -> None:
        """Say what server it is that it stands before.

        Args:
            url: Of the server; its path does not matter.
            handle: Makes the answers, mostly with what it is given to send a request on.
        """
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self._before, self._handle = (parts.hostname, parts.port), handle

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with contextlib.suppress(Dropped, OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # only ever by __aexit__
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[1]
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

        async def send(request: Request) -> bytes:
            nonlocal upstream
            if upstream is None or upstream[0].at_eof():
                if self._before is None:
                    raise Dropped
                upstream = await asyncio.open_connection(*self._before)
            upstream[1].write(request.head + request.body)
            head, body = await _message(upstream[0])
            return head + body

        try:
            while True:
                head, body = await _message(reader)
                writer.write(await self._handle(Request(head, body, peer), send))
                await writer.drain()
        finally:
            if upstream is not None:
                upstream[1].close()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read a request or an answer: its head and its body, as they stand on the wire."""
    head = await reader.readuntil(b"\r\n\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    }
    if headers.get(b"transfer-encoding") == b"chunked":
        parts = []
        while True:
            size = await reader.readuntil(b"\r\n")
            chunk = await reader.readexactly(int(size, 16) + 2)
            parts += [size, chunk]
            if int(size, 16) == 0:
                return head, b"".join(parts)
    no_body = head.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304"))
    length = 0 if no_body else int(headers.get(b"content-length", 0))
    return head, await reader.readexactly(length)
