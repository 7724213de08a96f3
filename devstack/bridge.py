"""The bridge part: Upstash's REST interface in front of Valkey.

`start` starts it as a process of its own, which runs this module.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import signal
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote_to_bytes

from devstack import resp
from devstack.processes import Command, Server, says_listening
from devstack.resp import Failure, Reply, Unavailable, Valkey, Value
from devstack.serving import (
    Disconnected,
    Receive,
    Scope,
    Send,
    TooLarge,
    body_of,
    listen,
    respond,
    serve,
)

_REQUEST_BYTES = 10 * 1024 * 1024
_METHODS = ("GET", "HEAD", "POST", "PUT")
_BATCHES = (b"pipeline", b"multi-exec")

# What would wait, change the connection, which here belongs to all callers, or run the server.
_REFUSED = frozenset(
    b"ACL AUTH BGREWRITEAOF BGSAVE BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN"
    b" CLIENT CLUSTER CONFIG DEBUG DISCARD EXEC FAILOVER HELLO MODULE MONITOR MULTI PSUBSCRIBE"
    b" PSYNC PUNSUBSCRIBE QUIT REPLICAOF RESET SAVE SELECT SHUTDOWN SLAVEOF SSUBSCRIBE SUBSCRIBE"
    b" SUNSUBSCRIBE SYNC UNSUBSCRIBE UNWATCH WAIT WAITAOF WATCH".split()
)
_MAY_WAIT = (b"XREAD", b"XREADGROUP")

# With it, Upstash locks the keys of a script and not the database. Valkey does not know it.
_FLAG = b"allow-key-locking"
_SHEBANG = re.compile(rb"#!lua flags=(?P<flags>[a-z,-]*\ballow-key-locking\b[a-z,-]*)")

_JSON = (b"content-type", b"application/json")
_BINARY = (b"content-type", b"application/octet-stream")


def start(
    valkey_port: int, valkey_password: str, token: str, *, logs: Path, port: int = 0
) -> Server:
    """Start the bridge; Valkey may come and go as it likes.

    Args:
        valkey_port: Where Valkey is.
        valkey_password: Its password.
        token: What callers must send.
        logs: Folder for its log.
        port: The port to prefer; another one if it is taken or 0.
    """

    def command(port: int) -> Command:
        return Command.module(
            "devstack.bridge",
            {
                "PORT": str(port),
                "TOKEN": token,
                "VALKEY_PORT": str(valkey_port),
                "VALKEY_PASSWORD": valkey_password,
            },
            stop_signal=signal.SIGKILL,  # it holds nothing
        )

    return Server("bridge", command, says_listening, logs=logs, port=port)


class Refused(Exception):
    """Not a request that Upstash would pass on; the message says why."""


class Bridge:
    """The ASGI application.

    Args:
        valkey: Runs the commands.
        token: What callers must send, as a bearer token or as `_token` of the query.
    """

    def __init__(self, valkey: Valkey, token: str) -> None:
        self._valkey = valkey
        self._token = token.encode()
        # Of scripts that run without the flag: the hash that callers know, and Valkey's.
        self._hashes: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        if scope["method"] not in _METHODS:
            await _refuse(send, HTTPStatus.METHOD_NOT_ALLOWED, "ERR method not allowed")
            return
        headers = dict(scope["headers"])
        query = parse_qsl(scope["query_string"], keep_blank_values=True)
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            token = dict(query).get(b"_token", b"")
        if not hmac.compare_digest(token, self._token):
            error = "WRONGPASS invalid or missing auth token"
            await _refuse(send, HTTPStatus.UNAUTHORIZED, error)
            return

        path = scope["raw_path"].strip(b"/")
        try:
            body = await body_of(receive, _REQUEST_BYTES)
            reply = await self._reply(path, query, body)
        except Refused as reason:
            await _refuse(send, HTTPStatus.BAD_REQUEST, f"ERR {reason}")
        except TooLarge:
            error = f"ERR max request size exceeded. Limit: {_REQUEST_BYTES} bytes"
            await _refuse(send, HTTPStatus.BAD_REQUEST, error)
        except Unavailable as reason:
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, f"ERR no database: {reason}")
        except Disconnected:
            pass
        else:
            failed = isinstance(reply.value, Failure)
            status = HTTPStatus.BAD_REQUEST if failed else HTTPStatus.OK
            if headers.get(b"upstash-response-format") == b"resp2":
                await respond(send, status, reply.raw, _BINARY)
                return
            text = _encoded if headers.get(b"upstash-encoding") == b"base64" else _decoded
            if path in _BATCHES and isinstance(reply.value, list):
                answer: object = [_result(value, text) for value in reply.value]
            else:
                answer = _result(reply.value, text)
            await respond(send, status, _json(answer), _JSON)

    async def _reply(self, path: bytes, query: list[tuple[bytes, bytes]], body: bytes) -> Reply:
        if path == b"multi-exec":
            return (await self._run([b"MULTI"], *_commands(body), [b"EXEC"]))[-1]
        if path == b"pipeline":
            replies = await self._run(*_commands(body))
            values = [reply.value for reply in replies]
            return Reply(values, b"".join(reply.raw for reply in replies))
        return (await self._run(_command(path, query, body)))[0]

    async def _run(self, *commands: list[bytes]) -> list[Reply]:
        loaded: dict[bytes, bytes] = {}
        known = [self._as_valkey_knows_it(command, loaded) for command in commands]
        replies = await self._valkey.call(*known)
        return [_renamed(reply, loaded) for reply in replies] if loaded else replies

    def _as_valkey_knows_it(self, command: list[bytes], loaded: dict[bytes, bytes]) -> list[bytes]:
        """A command that has a script or the hash of one, with Valkey's.

        Args:
            command: Any command.
            loaded: If it loads a script, gets the hash that Valkey will answer, and ours.
        """
        name, *arguments = command
        match name.upper(), arguments:
            case b"EVALSHA" | b"EVALSHA_RO", [hash, *rest]:
                return [name, self._hashes.get(hash.lower(), hash), *rest]
            case b"EVAL" | b"EVAL_RO", [script, *rest]:
                return [name, self._without_flag(script, loaded), *rest]
            case b"SCRIPT", [verb, *rest] if verb.upper() == b"LOAD":
                return [name, verb, *(self._without_flag(script, loaded) for script in rest)]
            case b"SCRIPT", [verb, *rest] if verb.upper() == b"EXISTS":
                return [name, verb, *(self._hashes.get(hash.lower(), hash) for hash in rest)]
        return command

    def _without_flag(self, script: bytes, loaded: dict[bytes, bytes]) -> bytes:
        shebang = _SHEBANG.match(script)
        if not shebang:
            return script
        flags = [flag for flag in shebang["flags"].split(b",") if flag != _FLAG]
        known = b"#!lua" + (b" flags=" + b",".join(flags) if flags else b"")
        known += script[shebang.end() :]
        ours, valkeys = _hash(script), _hash(known)
        self._hashes[ours] = valkeys
        loaded[valkeys] = ours
        return known


def _commands(body: bytes) -> list[list[bytes]]:
    commands = _parsed(body)
    if not isinstance(commands, list) or not commands:
        raise Refused("empty pipeline request")
    return [_checked(command) for command in commands]


def _command(path: bytes, query: list[tuple[bytes, bytes]], body: bytes) -> list[bytes]:
    """The command of a request: all of it in the body, or by path, body and query."""
    if not path:
        return _checked(_parsed(body))
    command = [unquote_to_bytes(part) for part in path.split(b"/")]
    if body:
        command.append(body)
    for key, value in query:
        if key != b"_token":
            command += [key, value] if value else [key]
    return _checked(command)


def _parsed(body: bytes) -> Any:
    try:
        # Numbers stay as they were written.
        return json.loads(body, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("failed to parse the request: it must be a JSON array") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _checked(command: Any) -> list[bytes]:
    if not isinstance(command, list) or not command:
        raise Refused("empty command")
    arguments = [_argument(argument) for argument in command]
    name = arguments[0].upper()
    waits = name in _MAY_WAIT and any(argument.upper() == b"BLOCK" for argument in arguments)
    if name in _REFUSED or waits:
        raise Refused(f"Command is not available: '{name.decode(errors='replace')}'")
    return arguments


def _argument(argument: Any) -> bytes:
    match argument:
        case bytes():
            return argument
        case bool():
            return b"true" if argument else b"false"
        case str():
            try:
                return argument.encode()
            except UnicodeEncodeError:
                raise Refused("invalid argument: half a surrogate pair") from None
    raise Refused("invalid argument type: strings, numbers and booleans only")


def _hash(script: bytes) -> bytes:
    return hashlib.sha1(script, usedforsecurity=False).hexdigest().encode()


def _renamed(reply: Reply, hashes: dict[bytes, bytes]) -> Reply:
    raw = reply.raw
    for theirs, ours in hashes.items():
        raw = raw.replace(theirs, ours)
    return resp.read(raw)


def _result(value: Value, text: Callable[[bytes], str]) -> dict[str, object]:
    if isinstance(value, Failure):
        return {"error": value.text}
    return {"result": _plain(value, text)}


def _plain(value: Value, text: Callable[[bytes], str]) -> object:
    match value:
        case bytes():
            return text(value)
        case Failure():
            return value.text
        case list():
            return [_plain(item, text) for item in value]
    return value


def _decoded(value: bytes) -> str:
    return value.decode(errors="replace")


def _encoded(value: bytes) -> str:
    return "OK" if value == b"OK" else base64.b64encode(value).decode()


async def _refuse(send: Send, status: HTTPStatus, error: str) -> None:
    await respond(send, status, _json({"error": error}), _JSON)


def _json(answer: object) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def main() -> None:
    """Be the bridge."""
    environment = os.environ
    valkey = Valkey(int(environment["VALKEY_PORT"]), environment["VALKEY_PASSWORD"])
    bridge = Bridge(valkey, environment["TOKEN"])
    asyncio.run(serve(bridge, listen(int(environment["PORT"]))))


if __name__ == "__main__":
    main()
