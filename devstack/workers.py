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
_REQUEST_LINE = re.compile(rb"(?:GET|POST) /2018-06-01/runtime/(\S+) HTTP/1\.1\r\n")
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


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
        if not worker.started and self._waiting:
            self._waiting.popleft().set_exception(_NotStarted(worker.last_words))
        self._hire()

    def _is_free(self, worker: "_Worker") -> None:
        if self._waiting:
            self._waiting.popleft().set_result(worker)
        else:
            self._idle.append(worker)
            if self._freeze:
                worker.freeze()


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
        self.last_words = _error("Runtime.ExitError", "the runtime has ended")
        self._name = name
        self._function = function
        self._environment = environment
        self._is_free = is_free
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._next: asyncio.Future[bytes] | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._request_id = ""

    @property
    def alive(self) -> bool:
        """Whether it still waits for a call."""
        return self._reader is not None and not self._reader.at_eof()

    def freeze(self) -> None:
        """Let it stand still until it is called."""
        self._signal(signal.SIGSTOP)

    async def run(self) -> int:
        """Start the process and wait until it has ended; returns its exit code."""
        # Its lines can be longer than what is read ahead by default.
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        address = "{}:{}".format(*server.sockets[0].getsockname())
        try:
            self._process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig=KILL", "--"),
                *(sys.executable, "-m", "awslambdaric", self._function.handler),
                cwd=PROJECT,
                env={**self._lambda_environment(address), **self._environment},
                stdin=asyncio.subprocess.DEVNULL,
            )
            asyncio.get_running_loop().call_later(_INIT_SECONDS, self._give_up)
            return await self._process.wait()
        finally:
            self._signal(signal.SIGKILL)
            server.close()
            if self._process:
                await self._process.wait()
            if self._answer and not self._answer.done():
                self._answer.set_result(self.last_words)

    async def invoke(self, request_id: str, event: bytes) -> Answer:
        """Have it answer one call."""
        assert self._next
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
        self._signal(signal.SIGCONT)
        self._next.set_result(head.encode() + event)
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        except TimeoutError:
            self._signal(signal.SIGKILL)
            message = f"{request_id} Task timed out after {seconds:.2f} seconds"
            return _error("Sandbox.Timedout", message)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request = _REQUEST_LINE.match(head)
                length = _CONTENT_LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                writer.write(await self._respond(reader, request and request[1].decode(), body))
                await writer.drain()
        writer.close()

    async def _respond(self, reader: asyncio.StreamReader, verb: str | None, body: bytes) -> bytes:
        mine = f"invocation/{self._request_id}/"
        match verb:
            case "invocation/next":
                self._reader = reader
                self._next = asyncio.get_running_loop().create_future()
                self.started = True
                self._is_free(self)
                return await self._next
            case "restore/next":
                return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            case "init/error" | "restore/error":
                self.last_words = Answer(body, failed=True)
            case _ if verb == f"{mine}response" and len(body) > PAYLOAD_BYTES:
                self._settle(_too_large(len(body)))
                return b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n"
            case _ if verb == f"{mine}response":
                self._settle(Answer(body, failed=False))
            case _ if verb == f"{mine}error":
                self._settle(Answer(body, failed=True))
            case _:
                return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

    def _settle(self, answer: Answer) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)

    def _give_up(self) -> None:
        if not self.started:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

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


def _error(kind: str, message: str) -> Answer:
    payload = json.dumps({"errorType": kind, "errorMessage": message})
    return Answer(payload.encode(), failed=True)


def _too_large(size: int) -> Answer:
    return _error(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size"
        f" ({PAYLOAD_BYTES} bytes).",
    )
