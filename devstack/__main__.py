"""`python -m devstack up`: the whole stack until Ctrl-C."""

import argparse
import contextlib
import json
import os
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from devstack import signals
from devstack.files import write_private
from devstack.own import Redis, Supabase
from devstack.packages import StackError
from devstack.processes import Cancelled
from devstack.stack import CACHED, Addresses, Stack


def main() -> int:
    """Read the command line and run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="devstack", description="The local stack, no Docker.")
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
    up_parser.add_argument(
        "--without",
        choices=sorted(CACHED),
        nargs="+",
        default=[],
        metavar="PART",
        help=f"leave out parts: any of {', '.join(sorted(CACHED))}",
    )
    arguments = parser.parse_args()
    file: Path | None = arguments.json
    if file and (file.is_dir() or not os.access(file.parent, os.W_OK)):
        parser.error(f"--json: {file} cannot be written")
    return up(arguments.data, file, arguments.without)


def up(data: Path | None, json_file: Path | None, without: Collection[str]) -> int:
    """Run the stack until a signal.

    Args:
        data: Folder to keep the data in; None: a temporary one.
        json_file: Where to write the addresses too, while it runs.
        without: Names of parts to leave out.

    Returns:
        The exit code: 0 after a signal, 1 if the stack cannot run.
    """
    stopping = threading.Event()
    signals.note(stopping)
    try:
        stack = Stack(
            data, _say, stopping, without=without, supabase=Supabase.of(), redis=Redis.of()
        )
        with stack, _published(stack.addresses, json_file):
            stack.watch(stopping)
    except Cancelled:
        pass
    except StackError as error:
        _say(f"devstack: {error}")
        return 1
    finally:
        signals.ignore()
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
        # Another stack may have put its own there since.
        if json_file and json_file.exists() and json_file.read_text() == line:
            json_file.unlink()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
