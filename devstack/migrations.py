"""The project's migrations, applied by the Supabase CLI as on a hosted project."""

import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

from devstack import packages
from devstack.processes import Command, Part


def push(database_url: str, cancelled: threading.Event | None = None) -> None:
    """Apply the migrations of `supabase/migrations` that the database does not have yet.

    Args:
        database_url: The role `postgres`, as on hosted Supabase.
        cancelled: Set it to give up.

    Raises:
        PartFailed: A migration was refused; the message holds what the CLI said.
        Cancelled: `cancelled` was set first.
    """
    if not any(packages.PROJECT.glob("supabase/migrations/*.sql")):
        return
    url = urlsplit(database_url)
    password = url.password or ""
    # Anyone on this machine may read a command line.
    without_password = url._replace(netloc=url.netloc.replace(f":{password}@", "@", 1)).geturl()
    with tempfile.TemporaryDirectory(prefix="devstack-cli-") as home:
        db_push = Command(
            argv=[
                packages.supabase_cli(),
                "db",
                "push",
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
        Part("supabase db push", db_push, Path(home) / "push.log").run(
            cancelled or threading.Event()
        )
