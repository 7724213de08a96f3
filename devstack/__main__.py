"""`python -m devstack up`: the whole stack until Ctrl-C."""

import argparse
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from devstack.packages import StackError
from devstack.processes import Cancelled
from devstack.stack import Addresses, Stack, write_private

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WATCH_SECONDS = 0.2


def main() -> int:
    """Read the command line and run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="devstack", description="A local Supabase, no Docker.")
    commands = parser.add_subparsers(required=True, metavar="command")
    up_parser = commands.add_parser("up", help="start everything, run until Ctrl-C")
    up_parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep the data in DIR (default: a temporary folder, removed at the end)",
    )
    up_parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the addresses to FILE too"
    )
    arguments = parser.parse_args()
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json: there is no folder {arguments.json.parent}")
    return up(arguments.data, arguments.json)


def up(data: Path | None, json_file: Path | None) -> int:
    """Run the stack until a signal.

    Args:
        data: Folder to keep the data in; None: a temporary one.
        json_file: Where to write the addresses too, while it runs.

    Returns:
        The exit code: 0 after a signal, 1 if the stack cannot run.
    """
    # The handler only takes a note, so a signal does no harm at any moment, nor do ten.
    stopping = threading.Event()
    for number in _SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, lambda *_: stopping.set())
    try:
        with Stack(data, _say, stopping) as stack, _published(stack.addresses, json_file):
            while not stopping.wait(_WATCH_SECONDS):
                for part in stack.fallen():
                    _say(f"{part} has ended; the others keep running")
    except Cancelled:
        pass
    except StackError as error:
        _say(f"devstack: {error}")
        return 1
    finally:
        for number in _SIGNALS:  # all is stopped: another one could only spoil the exit code
            signal.signal(number, signal.SIG_IGN)
    return 0


@contextlib.contextmanager
def _published(addresses: Addresses, json_file: Path | None) -> Iterator[None]:
    line = json.dumps(addresses)
    if json_file:
        write_private(json_file, line)
    try:
        print(line, flush=True)
        yield
    finally:
        if json_file:
            json_file.unlink(missing_ok=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
