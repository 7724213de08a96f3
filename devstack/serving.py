"""ASGI applications on ports of 127.0.0.1, in a process of their own."""

import signal
import socket
from http import HTTPStatus

import uvicorn
from uvicorn._types import ASGI3Application as Application
from uvicorn._types import ASGIReceiveCallable as Receive
from uvicorn._types import ASGISendCallable as Send
from uvicorn._types import HTTPScope, Scope

__all__ = ["Application", "HTTPScope", "Receive", "Scope", "Send"]

_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class TooLarge(Exception):
    """The body of a request is larger than its limit."""


class Disconnected(Exception):
    """The caller has gone before it had sent all of its request."""


def listen(port: int) -> socket.socket:
    """Take a port of 127.0.0.1; 0: a free one."""
    # Named TCP, else asyncio leaves Nagle's algorithm on: 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


async def serve(application: Application, *sockets: socket.socket) -> None:
    """Answer on the sockets until SIGTERM or SIGINT.

    Prints "listening": from then on, callers are let in.
    """
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    # It raises the signal again once all is ended; there is more to end than it knows of.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    print("listening", flush=True)
    await uvicorn.Server(config).serve(list(sockets))


async def body_of(receive: Receive, limit: int) -> bytes:
    """The body of a request.

    Raises:
        TooLarge: It has more than `limit` bytes.
        Disconnected: The caller has gone.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        chunks.append(message["body"])
        size += len(message["body"])
        if size > limit:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join(chunks)


async def respond(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """Answer a request; a status that allows no body gets none."""
    if status in _NO_BODY:
        body, length = b"", []
    else:
        length = [(b"content-length", b"%d" % len(body))]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, *length],
        }
    )
    await send({"type": "http.response.body", "body": body})
