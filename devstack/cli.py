"""The Supabase CLI, on a database that is reached by URL."""

import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

from devstack import packages
from devstack.processes import Command, Part


def supabase(*arguments: str, database_url: str, cancelled: threading.Event | None = None) -> str:
    """Run a command of the CLI for this project.

    Args:
        arguments: Such as "db", "push".
        database_url: What the command works on.
        cancelled: Set it to give up.

    Returns:
        What the CLI printed.

    Raises:
        PartFailed: It ended with another code than 0; the message holds what it printed last.
        Cancelled: `cancelled` was set first.
    """
    url = urlsplit(database_url)
    password = url.password or ""
    # Anyone on this machine may read a command line.
    without_password = url._replace(netloc=url.netloc.replace(f":{password}@", "@", 1)).geturl()
    with tempfile.TemporaryDirectory(prefix="devstack-cli-") as home:
        command = Command(
            argv=[
                packages.supabase_cli(),
                *arguments,
                f"--remote={without_password}",
                f"--workdir={packages.PROJECT}",
                "--yes",
            ],
            environment={
                "PGPASSWORD": unquote(password),
                "HOME": home,  # it keeps notes there
                "DO_NOT_TRACK": "1",
                "SUPABASE_TELEMETRY_DISABLED": "1",
                "SUPABASE_NO_UPDATE_NOTIFIER": "1",
            },
        )
        part = Part(" ".join(["supabase", *arguments]), command, Path(home) / "cli.log")
        part.run(cancelled or threading.Event())
        return part.output()
