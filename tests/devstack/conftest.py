"""The command `devstack up`, running, and what to ask about processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.packages import PROJECT

SECONDS = 60


class Command:
    """`python -m devstack up`, running. It ends with pytest, however that ends."""

    def __init__(self, folder: Path, *arguments: str | Path) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"
        with self._stdout.open("w") as stdout, self._stderr.open("w") as stderr:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=SIGTERM", sys.executable, "-m", "devstack", "up"]
                + [str(argument) for argument in arguments],
                cwd=PROJECT,
                env={**os.environ, "TMPDIR": str(self.temporary)},
                stdout=stdout,
                stderr=stderr,
            )

    @property
    def stdout(self) -> str:
        return self._stdout.read_text()

    @property
    def stderr(self) -> str:
        return self._stderr.read_text()

    def ready(self) -> Any:
        """What it prints once all is up."""
        wait_until(lambda: "\n" in self.stdout or self.process.poll() is not None)
        assert self.process.poll() is None, self.stderr
        return json.loads(self.stdout)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Run `devstack up` with arguments."""
    commands: list[Command] = []

    def run(*arguments: str | Path) -> Command:
        commands.append(Command(tmp_path / f"command-{len(commands)}", *arguments))
        return commands[-1]

    yield run
    for command in commands:
        command.stop()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def descendants(pid: int) -> set[int]:
    """Process ids of all that a process has started, and of what those have."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # has ended since
        children.setdefault(parent, []).append(int(stat.parent.name))
    found: set[int] = set()
    front = [pid]
    while front:
        front = [child for parent in front for child in children.get(parent, [])]
        found.update(front)
    return found


def running(pids: set[int]) -> set[int]:
    """Those of the processes that have not ended."""
    return {pid for pid in pids if _state(pid) not in ("", "Z", "X")}


def mentioning(folder: Path) -> set[int]:
    """Processes with a folder in their command line."""
    found = set()
    for command_line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if bytes(folder) in command_line.read_bytes():
                found.add(int(command_line.parent.name))
        except OSError:
            continue  # has ended since
    return found


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
