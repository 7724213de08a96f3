"""A server that says what a test wants: what a real Redis cannot be made to answer."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

# Instead of an answer.
HANG = b"(says nothing)"
CLOSE = b"(closes)"
# After an answer.
THEN_CLOSE = b"(and closes)"
# Within an answer.
PAUSE = b"(waits a little)"
_PAUSE_SECONDS = 0.02
_GONE = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)


@dataclass
class Stub:
    """What it was asked, how many connections were made to it, and how many there are now."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    async def is_left(self) -> None:
        """Wait until no connection is open."""
        async with asyncio.timeout(30):
            while self.open:
                await asyncio.sleep(0.01)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def stub(
    answers: Iterable[bytes] | Callable[[bytes], bytes], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Stub]:
    """Serve.

    Args:
        answers: Raw, in turn, the last one again and again; or made from the request.
        tls: To serve under.
    """
    seen = Stub()
    left = [] if callable(answers) else list(answers)
    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        seen.open += 1
        task = asyncio.current_task()
        assert task
        serving.add(task)
        with contextlib.closing(writer), contextlib.suppress(*_GONE):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                request = head + await reader.readexactly(int(length[1]) if length else 0)
                seen.requests.append(request)
                if callable(answers):
                    said = answers(request)
                else:
                    said = left.pop(0) if len(left) > 1 else left[0]
                if said == HANG:
                    await reader.read()
                    break
                for part in said.removesuffix(THEN_CLOSE).removesuffix(CLOSE).split(PAUSE):
                    writer.write(part)
                    await writer.drain()
                    if PAUSE in said:
                        await asyncio.sleep(_PAUSE_SECONDS)
                if said.endswith((CLOSE, THEN_CLOSE)):
                    break
        seen.open -= 1

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        seen.url = f"http{'s' * bool(tls)}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield seen
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving)
