"""Redis over HTTP: upstash-redis, with a transport of our own below it.

The transport takes and gives bytes exactly, keeps connections, ends every call by a deadline and
never sleeps. It takes a fraction of the time of the stock one, which goes through httpx, JSON and
base64. Whatever goes wrong is an UpstashError.
"""

import asyncio
import base64
import functools
import hashlib
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import upstash_redis.asyncio
from upstash_redis.commands import AsyncJsonCommands, AsyncSearchCommands
from upstash_redis.errors import UpstashError
from upstash_redis.http import make_headers

_SCRIPTS = Path(__file__).parent / "scripts"
_MAX_HEAD_BYTES = 16 * 1024
_MAX_BODY_BYTES = 32 * 1024 * 1024
# Between calls a Lambda function is frozen, and servers and what lies between close or forget
# connections that are idle.
_MAX_IDLE_SECONDS = 30
_MAX_IDLE_CONNECTIONS = 8
# What may run twice when it is not known whether it ran. Every script of ours may.
_REPEATABLE = frozenset(
    ["DEL", "EVALSHA", "EXISTS", "GET", "HGET", "HGETALL", "HMGET", "PING", "SCRIPT", "UNLINK"]
)

Argument = str | int | bytes


class Redis(upstash_redis.asyncio.Redis):
    """The client of upstash-redis, over our transport: strings come back as bytes.

    Args:
        url: Of the database's REST API.
        token: For it.
        deadline_seconds: For an exchange with the server, connecting included.
    """

    def __init__(self, url: str, token: str, deadline_seconds: float = 0.15) -> None:
        # The stock one is not called: it makes an httpx client, which takes 20 ms and is not used.
        # A test holds that it sets nothing else.
        self._url = url.rstrip("/")
        # A token for reading one's own writes would be of no use: scripts run on the leader anyhow.
        self._read_your_writes = False
        self._sync_token = ""
        self._allow_telemetry = False
        self._headers = make_headers(token, None, False)
        self._json = AsyncJsonCommands(self)
        self._search = AsyncSearchCommands(self)
        self._http: Any = Transport(self._url, deadline_seconds)


class Script:
    """A Lua script beside this file, run by its hash.

    Args:
        name: Of the file, without its ending.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = (_SCRIPTS / f"{name}.lua").read_text()
        self.sha1 = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run it, and have the server learn it first where it does not know it (any more).

        Args:
            redis: Where.
            keys: All keys that it touches.
            arguments: Only the last may be bytes.

        Raises:
            UpstashError: It did not run, or failed, or nobody knows.
        """
        command: list[Any] = ["EVALSHA", self.sha1, len(keys), *keys, *arguments]
        try:
            return await redis.execute(command)
        except UpstashError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        await redis.execute(["SCRIPT", "LOAD", self.text])
        return await redis.execute(command)


class Transport:
    """What upstash-redis calls an AsyncHttpClient.

    Args:
        url: All calls are to it and to what lies below it.
        deadline_seconds: For a call, connecting included.
    """

    def __init__(self, url: str, deadline_seconds: float) -> None:
        self._server = _Server.of(url)
        self._deadline_seconds = deadline_seconds
        self._idle: list[_Connection] = []
        # A lookup cannot be given up. In the threads that all share, a few that hang would keep the
        # database from being found.
        self._lookups = ThreadPoolExecutor(1, thread_name_prefix="redis-lookup")

    async def execute(
        self, url: str, headers: dict[str, str], command: list[Any], from_pipeline: bool = False
    ) -> Any:
        """Run a command, or commands in turn.

        Args:
            url: The server's own, or that of /pipeline or /multi-exec below it.
            headers: Of every request.
            command: Its name and arguments; the last may be bytes. Of a pipeline, a list of them.
            from_pipeline: Whether it is one.

        Returns:
            Strings as bytes, integers, None, and lists of these; "OK" and "PONG" as str.

        Raises:
            UpstashError: Redis refused, or has not answered in time or not in its own way.
        """
        base, path = self._server.url, urlsplit(url).path
        if not url.startswith(base):
            raise UpstashError(f"this client is for {base}")
        if from_pipeline:
            body = json.dumps([_texts(each) for each in command]).encode()
            request = _request(self._server, path, headers, body, b"Upstash-Encoding: base64\r\n")
            status, answer = await self._exchange(request, repeatable=False)
            return _understood(functools.partial(_pipelined, status, len(command)), answer)
        if isinstance(command[-1], bytes) and command[-1]:
            path += _path(command[:-1])
            body = command[-1]
        else:
            body = json.dumps(_texts(command)).encode()
        request = _request(self._server, path, headers, body, b"Upstash-Response-Format: resp2\r\n")
        status, answer = await self._exchange(request, str(command[0]).upper() in _REPEATABLE)
        return _understood(functools.partial(_answered, status), answer)

    async def close(self) -> None:
        """Close all connections; later calls open others."""
        while self._idle:
            self._idle.pop().abort()
        # They are closed by the loop, which might be at its end.
        await asyncio.sleep(0)

    async def _exchange(self, request: bytes, repeatable: bool) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                if not repeatable:
                    # So that the loop may hear which connections were closed meanwhile.
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                connection = self._kept()
                if connection:
                    try:
                        return await self._ask(connection, request)
                    except _ClosedError:
                        if not repeatable:
                            raise
                return await self._ask(await self._connected(), request)
        except TimeoutError as error:
            raise UpstashError(f"no answer within {self._deadline_seconds} s") from error
        except (OSError, _AnswerError) as error:
            raise UpstashError(f"no answer: {error}") from error

    async def _ask(self, connection: "_Connection", request: bytes) -> tuple[int, bytes]:
        try:
            answer = await connection.ask(request)
        except BaseException:
            # Cancelled, too: the answer that is still to come is nobody else's.
            connection.abort()
            raise
        if answer.keep and len(self._idle) < _MAX_IDLE_CONNECTIONS:
            connection.idle_since = time.time()
            self._idle.append(connection)
        else:
            connection.abort()
        return answer.status, answer.body

    def _kept(self) -> "_Connection | None":
        loop = asyncio.get_running_loop()
        while self._idle:
            connection = self._idle.pop()
            # By the wall clock, which goes on while a function is frozen; it may go back, too.
            idle = time.time() - connection.idle_since
            if connection.loop is loop and connection.is_open and 0 <= idle < _MAX_IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    async def _connected(self) -> "_Connection":
        loop, server = asyncio.get_running_loop(), self._server
        found = await loop.run_in_executor(
            self._lookups,
            functools.partial(
                socket.getaddrinfo, server.host, server.port, type=socket.SOCK_STREAM
            ),
        )
        name = server.host if server.tls else None
        failed: OSError = OSError("there is no address of this name")
        for *_, address in found:
            try:
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop),
                    *address[:2],
                    ssl=server.tls,
                    server_hostname=name,
                )
            except OSError as error:
                failed = error
            else:
                return connection
        raise failed


class _AnswerError(Exception):
    """The server's answer is none, or none that we would ever take."""


class _ClosedError(_AnswerError):
    """The server closed the connection before the first byte of an answer."""


@dataclass(frozen=True)
class _Server:
    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str) -> "_Server":
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ValueError("the url of a Redis REST API is http(s)://host, without a user in it")
        is_safe = parts.scheme == "https"
        tls = ssl.create_default_context() if is_safe else None
        return cls(url, parts.hostname, parts.port or (443 if is_safe else 80), tls)


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    keep: bool


class _Connection(asyncio.Protocol):
    """One connection, and at most one question on it at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.is_open = False
        self.idle_since = 0.0
        self._transport: Any = None
        self._received = bytearray()
        self._awaited: asyncio.Future[_Answer] | None = None

    async def ask(self, request: bytes) -> _Answer:
        """Send a request and return what comes back.

        Raises:
            _ClosedError: Nothing came back.
            _AnswerError: Something else did.
        """
        if not self.is_open:
            raise _ClosedError("closed")
        self._awaited = self.loop.create_future()
        self._transport.write(request)
        try:
            return await self._awaited
        finally:
            self._awaited = None

    def abort(self) -> None:
        """Close it, whatever is under way."""
        self.is_open = False
        # Of a loop that has ended nothing can be closed, and nothing is open.
        with suppress(RuntimeError):
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        if self._awaited is None or self._awaited.done():
            # Nobody has asked: whatever this is, the next answer must not begin with it.
            self.abort()
            return
        self._received += data
        try:
            answer = _parse_answer(self._received)
        except (_AnswerError, ValueError) as error:
            self._awaited.set_exception(_AnswerError(f"not HTTP as we know it: {error}"))
            return
        if answer:
            self._received.clear()
            self._awaited.set_result(answer)

    def eof_received(self) -> None:
        self.is_open = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._awaited and not self._awaited.done():
            lost = _AnswerError("half of one") if self._received else _ClosedError("closed")
            lost.__cause__ = exc
            self._awaited.set_exception(lost)


def _parse_answer(received: bytearray) -> _Answer | None:
    """The whole answer, or None while some of it is missing."""
    end = received.find(b"\r\n\r\n", 0, _MAX_HEAD_BYTES)
    if end < 0:
        if len(received) >= _MAX_HEAD_BYTES or not b"HTTP/1.1 ".startswith(received[:9]):
            raise _AnswerError("no head")
        return None
    status, length, keep = _parse_head(bytes(received[:end]))
    start = end + 4
    if length is None:
        chunked = _parse_chunks(received, start)
        if chunked is None:
            return None
        body, end = chunked
    else:
        end = start + length
        if len(received) < end:
            return None
        body = bytes(received[start:end])
    if len(received) > end:
        raise _AnswerError("more than one")
    return _Answer(status, body, keep)


@functools.lru_cache(maxsize=64)
def _parse_head(head: bytes) -> tuple[int, int | None, bool]:
    """Status, length of the body (None: in chunks), and whether the connection stays open."""
    first, *lines = head.split(b"\r\n")
    matched = re.fullmatch(rb"HTTP/1\.1 ([2-5]\d\d)(?: [^\r\n]*)?", first)
    if not matched:
        raise _AnswerError("no status")
    lengths, chunked, keep = set(), False, True
    for line in lines:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if not colon:
            raise _AnswerError("a header without a colon")
        if name == b"content-length":
            lengths.add(value)
        elif name == b"transfer-encoding":
            chunked = value.lower() == b"chunked"
            if not chunked:
                raise _AnswerError("a transfer encoding that was not asked for")
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise _AnswerError("a content encoding that was not asked for")
        elif name == b"connection" and b"close" in value.lower():
            keep = False
    if chunked is bool(lengths) or len(lengths) > 1:
        raise _AnswerError("no length, or two")
    if chunked:
        return int(matched[1]), None, keep
    return int(matched[1]), _size(lengths.pop()), keep


def _parse_chunks(received: bytearray, start: int) -> tuple[bytes, int] | None:
    """The body and where it ends."""
    body = bytearray()
    while True:
        end = received.find(b"\r\n", start, start + 256)
        if end < 0:
            if len(received) >= start + 256:
                raise _AnswerError("no chunk")
            return None
        size = _size(bytes(received[start:end]).partition(b";")[0].strip(), 16)
        start = end + 2
        if not size:
            break
        if len(received) < start + size + 2:
            return None
        if received[start + size : start + size + 2] != b"\r\n" or len(body) > _MAX_BODY_BYTES:
            raise _AnswerError("no chunk, or too many")
        body += received[start : start + size]
        start += size + 2
    # Trailers, if any, end with an empty line.
    while True:
        end = received.find(b"\r\n", start, start + _MAX_HEAD_BYTES)
        if end < 0:
            if len(received) >= start + _MAX_HEAD_BYTES:
                raise _AnswerError("no end")
            return None
        if end == start:
            return bytes(body), end + 2
        start = end + 2


def _size(digits: bytes, base: int = 10) -> int:
    if not re.fullmatch(rb"[0-9a-fA-F]{1,9}" if base == 16 else rb"\d{1,9}", digits):
        raise _AnswerError("no size")
    size = int(digits, base)
    if size > _MAX_BODY_BYTES:
        raise _AnswerError("too large")
    return size


def _request(
    server: _Server, path: str, headers: dict[str, str], body: bytes, format: bytes
) -> bytes:
    head = _head(server.host, server.port, tuple(headers.items()))
    line = b"POST %b HTTP/1.1\r\n" % (path.encode("ascii") or b"/")
    return b"%b%b%bContent-Length: %d\r\n\r\n%b" % (line, head, format, len(body), body)


@functools.lru_cache(maxsize=8)
def _head(host: str, port: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    named = f"[{host}]" if ":" in host else host
    lines = [("Host", f"{named}:{port}"), *headers]
    for name, value in lines:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[!-~ ]*", value):
            raise UpstashError(f"the header {name!r} cannot be sent")
    return "".join(f"{name}: {value}\r\n" for name, value in lines).encode("ascii")


def _path(arguments: Sequence[Any]) -> str:
    """Arguments as segments of a path."""
    segments = []
    for argument in _texts(arguments):
        segment = quote(str(argument), safe="")
        # What stands between might take these for directions.
        if segment in {"", ".", ".."}:
            raise UpstashError("an argument that cannot be part of a path")
        segments.append(segment)
    return "/" + "/".join(segments)


def _texts(arguments: Sequence[Any]) -> list[str | int | float]:
    """As upstash-redis sends them: what is neither text nor a number becomes JSON."""
    if any(isinstance(argument, bytes) and argument for argument in arguments):
        raise UpstashError("only the last argument of a command may be bytes")
    return [
        argument
        if isinstance(argument, str | int | float) and not isinstance(argument, bool)
        else ""
        if argument == b""
        else json.dumps(argument)
        for argument in arguments
    ]


def _understood(parse: Callable[[bytes], Any], answer: bytes) -> Any:
    try:
        return parse(answer)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError) as error:
        raise UpstashError("an answer that Redis does not give") from error


def _answered(status: int, body: bytes) -> Any:
    """The value that an answer in RESP2 holds."""
    if status != 200:
        raise UpstashError(_error(status, body))
    value, end = _parse_resp(body, 0)
    if end != len(body):
        raise ValueError("more than one value")
    return value


def _parse_resp(data: bytes, at: int) -> tuple[Any, int]:
    """The value that begins at a position, and where it ends."""
    line_end = data.index(b"\r\n", at)
    kind, line = data[at : at + 1], data[at + 1 : line_end]
    at = line_end + 2
    if kind == b"$":
        if line == b"-1":
            return None, at
        end = at + int(line)
        if end < at or data[end : end + 2] != b"\r\n":
            raise ValueError("half a string")
        return data[at:end], end + 2
    if kind == b"*":
        if line == b"-1":
            return None, at
        values = []
        for _ in range(int(line)):
            value, at = _parse_resp(data, at)
            values.append(value)
        return values, at
    if kind == b":":
        return int(line), at
    if kind == b"+":
        return line.decode(), at
    if kind == b"-":
        raise UpstashError(line.decode(errors="replace"))
    raise ValueError("no value")


def _pipelined(status: int, count: int, body: bytes) -> list[Any]:
    """The values that an answer in JSON holds, one for each command."""
    if status != 200:
        raise UpstashError(_error(status, body))
    results = json.loads(body)
    if len(results) != count:
        raise ValueError("not one for each command")
    for result in results:
        if "error" in result:
            raise UpstashError(result["error"])
    return [_decoded(result["result"]) for result in results]


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(each) for each in value]
    if isinstance(value, str) and value != "OK":
        return base64.b64decode(value, validate=True)
    return value


def _error(status: int, body: bytes) -> str:
    """What the server says is wrong. It may be a page of HTML by somebody in between."""
    if body.startswith(b"-"):
        return body[1:].partition(b"\r\n")[0].decode(errors="replace")
    if body.startswith(b"{"):
        with suppress(ValueError, RecursionError):
            error = json.loads(body).get("error")
            if isinstance(error, str):
                return error
    return f"HTTP {status}"
