"""Children of the stack, as they start, work and end."""

import signal
import threading
from pathlib import Path

import pytest

from devstack.processes import Command, Part, PartFailed


@pytest.fixture
def part(tmp_path: Path):
    child = Part("sleeper", Command(["sleep", "60"], {}), tmp_path / "log")
    yield child
    child.stop()


def test_what_a_part_did_last_before_it_ended_counts(part: Part) -> None:
    looks = iter([False, True])

    def ready() -> bool:
        part.stop()  # between two looks at it
        return next(looks)

    part.wait_until(ready, threading.Event())
    assert part.exit_code == -signal.SIGTERM


def test_a_part_that_ended_before_it_was_ready_has_failed(part: Part) -> None:
    part.stop()
    with pytest.raises(PartFailed, match="sleeper ended"):
        part.wait_until(lambda: False, threading.Event())
