"""The project's migrations, applied by the Supabase CLI as on a hosted project."""

import threading

from devstack import cli, packages


def push(database_url: str, cancelled: threading.Event | None = None) -> None:
    """Apply the migrations of `supabase/migrations` that the database does not have yet.

    Args:
        database_url: The role `postgres`, as on hosted Supabase.
        cancelled: Set it to give up.

    Raises:
        PartFailed: A migration was refused; the message holds what the CLI said.
        Cancelled: `cancelled` was set first.
    """
    if any(packages.PROJECT.glob("supabase/migrations/*.sql")):
        cli.supabase("db", "push", database_url=database_url, cancelled=cancelled)
