"""A connection to Valkey that all callers share, with its replies both read and as they came.

One is enough: Valkey works on one command at a time, no command waits for another caller, and
so the replies of all come in the order of their commands. A transaction is written in one
piece, nothing gets between.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Value: TypeAlias = "bytes | int | list[Value] | Failure | None"


class Unavailable(Exception):
    """Valkey is not there, or went away before it answered."""


class Failure(NamedTuple):
    """An error reply: `WRONGTYPE Operation against a key ...`."""

    text: str


class Reply(NamedTuple):
    """One reply of Valkey."""

    value: Value
    raw: bytes


def read(raw: bytes) -> Reply:
    """A reply that is there as a whole."""
    return Reply(_read(raw, 0)[0], raw)


class _MoreToCome(Exception):
    """What has arrived does not hold the whole reply: it ends at `size` bytes, or later."""

    def __init__(self, size: int) -> None:
        self.size = size


class Valkey:
    """Valkey on a port of this machine: reached when first asked, and again once it is back.

    Args:
        port: Its port on 127.0.0.1.
        password: Its password.
    """

    def __init__(self, port: int, password: str) -> None:
        self._port = port
        self._password = password
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    async def call(self, *commands: Sequence[bytes]) -> list[Reply]:
        """Run commands one after the other, with nothing of other callers between them.

        Raises:
            Unavailable: No answer; some or all of the commands may have run.
        """
        if self._connection is None or self._connection.closed:
            async with self._connecting:
                if self._connection is None or self._connection.closed:
                    self._connection = await self._connect()
        return await self._connection.call(commands)

    async def _connect(self) -> "_Connection":
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                _Connection, "127.0.0.1", self._port
            )
        except OSError as error:
            raise Unavailable(str(error)) from error
        (greeting,) = await connection.call([[b"AUTH", self._password.encode()]])
        if isinstance(greeting.value, Failure):
            connection.close()
            raise Unavailable(greeting.value.text)
        return connection


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.closed = False
        self._transport: asyncio.WriteTransport
        self._received = bytearray()
        self._enough = 1
        self._replies: list[Reply] = []
        self._callers: deque[tuple[int, asyncio.Future[list[Reply]]]] = deque()

    def call(self, commands: Sequence[Sequence[bytes]]) -> "asyncio.Future[list[Reply]]":
        answer: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._callers.append((len(commands), answer))
        self._transport.write(_packed(commands))
        return answer

    def close(self) -> None:
        self.closed = True
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        start = 0
        try:
            while len(self._received) >= start + self._enough:
                value, end = _read(self._received, start)
                self._replies.append(Reply(value, bytes(self._received[start:end])))
                start, self._enough = end, 1
                self._answer()
        except _MoreToCome as more:
            self._enough = more.size - start
        del self._received[:start]

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        for _, answer in self._callers:
            if not answer.done():
                answer.set_exception(Unavailable(str(error or "the connection has ended")))

    def _answer(self) -> None:
        count, answer = self._callers[0]
        if len(self._replies) == count:
            self._callers.popleft()
            if not answer.done():  # else its caller is gone
                answer.set_result(self._replies)
            self._replies = []


def _packed(commands: Sequence[Sequence[bytes]]) -> bytes:
    pieces = []
    for command in commands:
        pieces.append(b"*%d\r\n" % len(command))
        for argument in command:
            pieces += (b"$%d\r\n" % len(argument), argument, b"\r\n")
    return b"".join(pieces)


def _read(received: bytes | bytearray, start: int) -> tuple[Value, int]:
    """Read the reply that starts at `start`; returns it and where it ends."""
    line_end = received.find(b"\r\n", start)
    if line_end < 0:
        raise _MoreToCome(len(received) + 1)
    kind, line, end = received[start], received[start + 1 : line_end], line_end + 2
    if kind == ord("+"):
        return bytes(line), end
    if kind == ord("-"):
        return Failure(line.decode(errors="replace")), end
    number = int(line)
    if kind == ord(":"):
        return number, end
    if number < 0:
        return None, end
    if kind == ord("$"):
        if len(received) < end + number + 2:
            raise _MoreToCome(end + number + 2)
        return bytes(received[end : end + number]), end + number + 2
    values: list[Value] = []
    for _ in range(number):
        value, end = _read(received, end)
        values.append(value)
    return values, end
