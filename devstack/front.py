"""The functions part: function URLs, and Lambda's Invoke API, in front of the workers.

`start` starts it as a process of its own, which runs this module.
"""

import asyncio
import dataclasses
import json
import os
import re
import socket
import uuid
from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from pathlib import Path

from devstack.processes import Command, Part, Server, says_listening
from devstack.serving import (
    Disconnected,
    HTTPScope,
    Receive,
    Scope,
    Send,
    TooLarge,
    body_of,
    listen,
    respond,
    serve,
)
from devstack.urls import NoResponse, event_of, response_of
from devstack.workers import PAYLOAD_BYTES, Answer, Function, Pool

FUNCTIONS = {
    "api": Function("functions.api.handler.handler", workers=2),
    "webhook": Function("functions.webhook.handler.handler"),
    "sweep": Function("functions.jobs.handler.sweep", timeout=60, url=False),
    "warm": Function("functions.jobs.handler.warm", timeout=60, url=False),
    "audit": Function("functions.jobs.handler.audit", timeout=60, url=False),
}

_INVOCATIONS = re.compile(r"/2015-03-31/functions/(?:arn:[\w:-]+:function:)?([\w-]+)/invocations")
_JSON = (b"content-type", b"application/json")


def start(
    functions: Mapping[str, Function],
    environment: Mapping[str, str],
    *,
    freeze: bool = False,
    logs: Path,
    port: int = 0,
    url_ports: MutableMapping[str, int],
) -> Server:
    """Start the functions. The server's own port is for `POST .../functions/<name>/invocations`.

    Args:
        functions: What to run, by name.
        environment: What the functions find in theirs.
        freeze: Whether workers stand still between calls, as on Lambda.
        logs: Folder for its log, which holds the output of the functions too.
        port: The port to prefer; another one if it is taken or 0.
        url_ports: The ports to prefer for function URLs, by name of the function. Holds those
            that were taken once the server is ready.
    """

    def command(port: int) -> Command:
        settings = {
            "port": port,
            "url_ports": dict(url_ports),
            "functions": {name: dataclasses.asdict(item) for name, item in functions.items()},
            "environment": dict(environment),
            "freeze": freeze,
        }
        return Command.module("devstack.front", {"SETTINGS": json.dumps(settings)})

    def ready(part: Part, port: int) -> bool:
        if not says_listening(part, port):
            return False
        (line,) = re.findall(r"^url ports: (.*)$", part.output(), re.MULTILINE)
        url_ports.update(json.loads(line))
        return True

    return Server("functions", command, ready, logs=logs, port=port)


class Front:
    """The ASGI application.

    Args:
        pools: The workers, by name of the function.
        urls: The names of the functions, by the port of their URL.
    """

    def __init__(self, pools: Mapping[str, Pool], urls: Mapping[int | None, str]) -> None:
        self._pools = pools
        self._urls = urls
        self._calls: set[asyncio.Task[Answer]] = set()  # that nobody waits for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        name = self._urls.get(scope["server"][1]) if scope["server"] else None
        try:
            body = await body_of(receive, PAYLOAD_BYTES)
            if name:
                await self._answer_url(self._pools[name], scope, body, send)
            else:
                await self._answer_invoke(scope, body, send)
        except TooLarge:
            await _too_large(send)
        except Disconnected:
            pass

    async def _answer_url(self, pool: Pool, scope: HTTPScope, body: bytes, send: Send) -> None:
        request_id = str(uuid.uuid4())
        event = json.dumps(event_of(scope, body, request_id), separators=(",", ":")).encode()
        if len(event) > PAYLOAD_BYTES:
            await _too_large(send)
            return
        named = (b"x-amzn-requestid", request_id.encode())
        answer = await pool.invoke(request_id, event)
        try:
            if answer.failed:
                raise NoResponse(answer.payload.decode(errors="replace"))
            status, headers, content = response_of(answer.payload)
        except NoResponse as reason:
            print(f"functions: {request_id}: {reason}", flush=True)
            await respond(send, HTTPStatus.BAD_GATEWAY, b"Internal Server Error", _JSON, named)
        else:
            await respond(send, status, content, *headers, named)

    async def _answer_invoke(self, scope: HTTPScope, body: bytes, send: Send) -> None:
        path = _INVOCATIONS.fullmatch(scope["path"])
        pool = self._pools.get(path[1]) if path else None
        if scope["method"] != "POST" or not pool:
            message = f"Function not found: {path[1] if path else scope['path']}"
            await _refuse(send, HTTPStatus.NOT_FOUND, b"ResourceNotFoundException", message)
            return
        event = body or b"{}"
        try:
            json.loads(event)
        except (ValueError, RecursionError):
            message = "Could not parse request body into json"
            await _refuse(send, HTTPStatus.BAD_REQUEST, b"InvalidRequestContentException", message)
            return
        request_id = str(uuid.uuid4())
        named = (b"x-amzn-requestid", request_id.encode())
        call = asyncio.create_task(pool.invoke(request_id, event))
        if dict(scope["headers"]).get(b"x-amz-invocation-type") == b"Event":
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            await respond(send, HTTPStatus.ACCEPTED, b"", named)
            return
        answer = await call
        failed = [(b"x-amz-function-error", b"Unhandled")] if answer.failed else []
        await respond(send, HTTPStatus.OK, answer.payload, _JSON, named, *failed)


async def _too_large(send: Send) -> None:
    message = f"Request must be smaller than {PAYLOAD_BYTES} bytes for the InvokeFunction operation"
    kind = b"RequestEntityTooLargeException"
    await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, kind, message)


async def _refuse(send: Send, status: HTTPStatus, kind: bytes, message: str) -> None:
    body = json.dumps({"Type": "User", "Message": message}).encode()
    await respond(send, status, body, _JSON, (b"x-amzn-errortype", kind))


def _listen(wanted: int) -> socket.socket:
    try:
        return listen(wanted)
    except OSError:  # taken meanwhile
        return listen(0)


async def main() -> None:
    """Be the front."""
    settings = json.loads(os.environ["SETTINGS"])
    control = listen(settings["port"])
    pools: dict[str, Pool] = {}
    urls: dict[str, socket.socket] = {}
    for name, fields in settings["functions"].items():
        function = Function(**fields)
        pools[name] = Pool(name, function, settings["environment"], freeze=settings["freeze"])
        if function.url:
            urls[name] = _listen(settings["url_ports"].get(name, 0))
            pools[name].start()
    ports = {name: url.getsockname()[1] for name, url in urls.items()}
    print("url ports:", json.dumps(ports), flush=True)
    front = Front(pools, {port: name for name, port in ports.items()})
    try:
        await serve(front, control, *urls.values())
    finally:
        await asyncio.gather(*(pool.close() for pool in pools.values()))


if __name__ == "__main__":
    asyncio.run(main())
