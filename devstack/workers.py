"""Functions as Lambda runs them: one call at a time in each of some processes.

The processes are AWS's own runtime client, `python -m awslambdaric <handler>`. Each has its
own address to ask for its next call and to answer it (the Runtime API):
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from devstack.packages import PROJECT

# A larger answer is refused, and the runtime client ends. A larger event is, too.
PAYLOAD_BYTES = 6_291_556

_INIT_SECONDS = 30
_ARN = "arn:aws:lambda:eu-central-1:000000000000:function:"
_REQUEST = re.compile(
    rb"(?:GET|POST) /2018-06-01/runtime/(?P<verb>\S+) HTTP/1\.1(?P<headers>\r\n.*?\r\n)\r\n",
    re.DOTALL,
)
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_PAYLOAD_TOO_LARGE = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Function:
    """What is run, and how.

    Args:
        handler: Its dotted name: module, then function.
        workers: How many calls it answers at once; further ones wait.
        timeout: Seconds after which a call is given up and its worker killed.
        url: Whether it has a function URL; then its first worker is started at once.
    """

    handler: str
    workers: int = 1
    timeout: float = 30
    url: bool = True


class Answer(NamedTuple):
    """What a call came to: the JSON of the handler's result, or of an error."""

    payload: bytes
    failed: bool


class Pool:
    """The workers of one function.

    Args:
        name: Its name.
        function: What they run.
        environment: What they find in theirs, beside what Lambda puts there.
        freeze: Whether they stand still between calls, as on Lambda.
    """

    def __init__(
        self, name: str, function: Function, environment: Mapping[str, str], *, freeze: bool
    ) -> None:
        self._name = name
        self._function = function
        self._environment = environment
        self._freeze = freeze
        self._idle: list[_Worker] = []
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._lives: dict[_Worker, asyncio.Task[None]] = {}

    async def invoke(self, request_id: str, event: bytes) -> Answer:
        """Call the function as soon as a worker is free."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return await worker.invoke(request_id, event)
        waiter: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._hire()
        try:
            worker = await waiter
        except _NotStarted as error:
            return error.answer
        return await worker.invoke(request_id, event)

    def start(self) -> None:
        """Start a first worker, before anybody waits for it."""
        self._add()

    async def close(self) -> None:
        """Kill the workers."""
        lives = list(self._lives.values())
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)

    def _hire(self) -> None:
        starting = sum(not worker.started for worker in self._lives)
        wanted = len(self._waiting) - starting
        for _ in range(min(wanted, self._function.workers - len(self._lives))):
            self._add()

    def _add(self) -> None:
        worker = _Worker(self._name, self._function, self._environment, self._is_free)
        self._lives[worker] = asyncio.create_task(self._life(worker))

    async def _life(self, worker: "_Worker") -> None:
        try:
            code = await worker.run()
            print(f"functions: a worker of {self._name} has ended ({code})", flush=True)
        finally:
            del self._lives[worker]
            if worker in self._idle:
                self._idle.remove(worker)
            # Who waits for one that cannot start would wait for ever.
            if not worker.started and (waiter := self._next_waiter()):
                waiter.set_exception(_NotStarted(worker.last_words))
        self._hire()

    def _is_free(self, worker: "_Worker") -> None:
        if waiter := self._next_waiter():
            waiter.set_result(worker)
        else:
            self._idle.append(worker)
            if self._freeze:
                worker.freeze()

    def _next_waiter(self) -> "asyncio.Future[_Worker] | None":
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():  # else it was cancelled
                return waiter
        return None


class _NotStarted(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Worker:
    """One process, and the address at which it asks for calls."""

    def __init__(
        self,
        name: str,
        function: Function,
        environment: Mapping[str, str],
        is_free: Callable[["_Worker"], None],
    ) -> None:
        self.started = False
        self._ended = False
        self.last_words = _error("Runtime.ExitError", "the runtime has ended")
        self._name = name
        self._function = function
        self._environment = environment
        self._is_free = is_free
        self._process: asyncio.subprocess.Process | None = None
        self._frozen = False
        self._channel: _Channel | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._request_id = ""

    @property
    def alive(self) -> bool:
        """Whether it still waits for a call."""
        return self._channel is not None and not self._channel.closed

    def freeze(self) -> None:
        """Let it stand still until it is called."""
        self._frozen = True
        self._signal(signal.SIGSTOP)

    async def run(self) -> int:
        """Start the process and wait until it has ended; returns its exit code."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Channel(self), "127.0.0.1", 0)
        address = "{}:{}".format(*server.sockets[0].getsockname())
        try:
            self._process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig=KILL", "--"),
                *(sys.executable, "-m", "awslambdaric", self._function.handler),
                cwd=PROJECT,
                env={**self._lambda_environment(address), **self._environment},
                stdin=asyncio.subprocess.DEVNULL,
            )
            loop.call_later(_INIT_SECONDS, self._give_up)
            return await self._process.wait()
        finally:
            self._ended = True
            self._signal(signal.SIGKILL)
            server.close()
            if self._process:
                await self._process.wait()
            if self._answer and not self._answer.done():
                self._answer.set_result(self.last_words)

    async def invoke(self, request_id: str, event: bytes) -> Answer:
        """Have it answer one call."""
        if self._ended or not self._channel:
            return self.last_words
        seconds = self._function.timeout
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int((time.time() + seconds) * 1000)}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {_ARN}{self._name}\r\n"
            f"Content-Length: {len(event)}\r\n\r\n"
        )
        self._request_id = request_id
        self._answer = asyncio.get_running_loop().create_future()
        if self._frozen:
            self._frozen = False
            self._signal(signal.SIGCONT)
        self._channel.send(head.encode() + event)
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        except TimeoutError:
            self._signal(signal.SIGKILL)
            message = f"{request_id} Task timed out after {seconds:.2f} seconds"
            return _error("Sandbox.Timedout", message)

    def respond(self, channel: "_Channel", verb: str, body: bytes) -> bytes | None:
        """What the runtime client asks or tells.

        Args:
            channel: How it does.
            verb: The end of the path, such as "invocation/next".
            body: What it sends.

        Returns:
            The answer; None: it comes later, when there is a call.
        """
        mine = f"invocation/{self._request_id}/"
        match verb:
            case "invocation/next":
                self._channel = channel
                self.started = True
                self._is_free(self)
                return None
            case "restore/next":
                return _OK
            case "init/error" | "restore/error":
                self.last_words = Answer(body, failed=True)
            case _ if verb == f"{mine}response" and len(body) > PAYLOAD_BYTES:
                self._settle(_too_large(len(body)))
                return _PAYLOAD_TOO_LARGE
            case _ if verb == f"{mine}response":
                self._settle(Answer(body, failed=False))
            case _ if verb == f"{mine}error":
                self._settle(Answer(body, failed=True))
            case _:
                return _NOT_FOUND
        return _ACCEPTED

    def _settle(self, answer: Answer) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)

    def _give_up(self) -> None:
        if not self.started:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # Process.send_signal() may snatch the exit code from who waits for it.
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def _lambda_environment(self, address: str) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "TZ": ":UTC",
            "LANG": "C.UTF-8",
            "AWS_REGION": "eu-central-1",
            "AWS_LAMBDA_FUNCTION_NAME": self._name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_RUNTIME_API": address,
            "LAMBDA_TASK_ROOT": str(PROJECT),
        }


class _Channel(asyncio.Protocol):
    """A connection of a runtime client: HTTP as far as that uses it."""

    def __init__(self, worker: _Worker) -> None:
        self.closed = False
        self._worker = worker
        self._received = bytearray()
        self._transport: asyncio.WriteTransport

    def send(self, answer: bytes) -> None:
        self._transport.write(answer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        request = _REQUEST.match(self._received)
        if not request:
            return
        length = _CONTENT_LENGTH.search(request["headers"])
        end = request.end() + (int(length[1]) if length else 0)
        if len(self._received) < end:
            return
        body = bytes(self._received[request.end() : end])
        verb = request["verb"].decode()
        del request, self._received[:end]
        answer = self._worker.respond(self, verb, body)
        if answer is not None:
            self.send(answer)

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True


def _error(kind: str, message: str) -> Answer:
    payload = json.dumps({"errorType": kind, "errorMessage": message})
    return Answer(payload.encode(), failed=True)


def _too_large(size: int) -> Answer:
    return _error(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size"
        f" ({PAYLOAD_BYTES} bytes).",
    )
