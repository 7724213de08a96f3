"""Child processes that cannot outlive the stack, and servers on ports that were free.

`setpriv --pdeathsig` has the kernel signal a child when the thread that started it ends,
so even `kill -9` of the stack leaves nothing behind. One thread, which lives as long as
the interpreter, therefore starts every child. Each has a session of its own: a terminal's
Ctrl-C reaches the stack alone, and the stack stops its parts in order.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from devstack.packages import PROJECT, StackError

_POLL_SECONDS = 0.01
_LOG_TAIL_LINES = 15
_PORT_ATTEMPTS = 5

_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="devstack-starter")


class Cancelled(Exception):
    """The stack was told to stop while it started."""


class PartFailed(StackError):
    """A part ended or was not ready in time; the message holds the tail of its log."""


@dataclass(frozen=True)
class Command:
    """How to start a child.

    Args:
        argv: Program and arguments.
        environment: All of its environment but PATH.
        stop_signal: Ends it in good order; the kernel sends it too when we die.
        privileges: Further arguments for `setpriv`.
    """

    argv: Sequence[str | Path]
    environment: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    privileges: Sequence[str] = ()

    @classmethod
    def module(
        cls,
        name: str,
        environment: Mapping[str, str],
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Self:
        """A module of this project, run as a program."""
        return cls(
            argv=[sys.executable, "-P", "-m", name],
            environment={"PYTHONPATH": str(PROJECT), **environment},
            stop_signal=stop_signal,
        )


class Part:
    """A running child. Its output goes to `log`, which every start replaces."""

    def __init__(self, name: str, command: Command, log: Path) -> None:
        self.name = name
        self._log = log
        self._stop_signal = command.stop_signal
        setpriv = ["setpriv", f"--pdeathsig={command.stop_signal.name}", *command.privileges]
        with log.open("wb") as output:
            self._process = _starter.submit(
                subprocess.Popen,
                [*setpriv, *command.argv],
                env={"PATH": os.environ.get("PATH", os.defpath), **command.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
            ).result()

    @property
    def pid(self) -> int:
        """Process id of the program itself: setpriv has become it."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the number of the signal that ended it."""
        return self._process.poll()

    def output(self) -> str:
        """All that it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait_until(
        self, ready: Callable[[], bool], cancelled: threading.Event, seconds: float = 30
    ) -> None:
        """Return once `ready()` is true.

        Raises:
            PartFailed: It ended first, or `seconds` have passed.
            Cancelled: `cancelled` was set first.
        """
        deadline = time.monotonic() + seconds
        while True:
            # Asked first: what it did last before it ended counts.
            ended = self.exit_code is not None
            if ready():
                return
            if ended:
                raise PartFailed(f"{self.name} ended ({self.exit_code}):\n{self._tail()}")
            if time.monotonic() > deadline:
                raise PartFailed(f"{self.name} not ready after {seconds} s:\n{self._tail()}")
            if cancelled.wait(_POLL_SECONDS):
                raise Cancelled

    def run(self, cancelled: threading.Event) -> None:
        """Return once it has ended well.

        Raises:
            PartFailed: It ended with another code than 0, or has not ended in time.
            Cancelled: `cancelled` was set first.
        """
        try:
            self.wait_until(lambda: self.exit_code is not None, cancelled, seconds=120)
        finally:
            self.stop()
        if self.exit_code:
            raise PartFailed(f"{self.name} failed ({self.exit_code}):\n{self._tail()}")

    def stop(self, seconds: float = 10) -> None:
        """End it in good order, or after `seconds` by force. Harmless once it has ended."""
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tail(self) -> str:
        return "\n".join(f"  {line}" for line in self.output().splitlines()[-_LOG_TAIL_LINES:])


class Server:
    """A part that listens on a port of 127.0.0.1, or on none.

    Args:
        name: For messages, and for its log in the folder `logs`.
        command: Gives the command for a port.
        ready: Whether the part answers on the port. Must not be fooled by a stranger there.
        port: The port to prefer; another one if it is taken or 0. None: it listens on none.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[int], Command],
        ready: Callable[[Part, int], bool],
        *,
        logs: Path,
        port: int | None = 0,
    ) -> None:
        self.name = name
        self.port = 0 if port is None else port or _free_port()
        self._command = command
        self._ready = ready
        self._log = logs / f"{name}.log"
        self.part = Part(name, command(self.port), self._log)

    def stop(self) -> None:
        """End it in good order."""
        self.part.stop()

    def restart(self, cancelled: threading.Event) -> None:
        """End it and start it again on the same port; others go on to find it there.

        Raises:
            PartFailed: It does not get ready.
            Cancelled: `cancelled` was set first.
        """
        self.stop()
        self.part = Part(self.name, self._command(self.port), self._log)
        self.part.wait_until(lambda: self._ready(self.part, self.port), cancelled)

    def wait(self, cancelled: threading.Event) -> None:
        """Return once it is ready, on another port if its own was taken meanwhile.

        Raises:
            PartFailed: It does not get ready.
            Cancelled: `cancelled` was set first.
        """
        for attempts_left in reversed(range(_PORT_ATTEMPTS)):
            try:
                self.part.wait_until(lambda: self._ready(self.part, self.port), cancelled)
            except PartFailed:
                self.stop()
                if not self.port or _is_free(self.port) or not attempts_left:
                    raise
                self.port = _free_port()
                self.part = Part(self.name, self._command(self.port), self._log)
            else:
                return


def says_listening(part: Part, _port: int) -> bool:
    """Whether one of our own servers has printed that it listens."""
    return "listening" in part.output()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port that only waits for stray packets of the last one is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
