"""The auth part: sign-up, sign-in and tokens under /auth/v1, see auth.mjs."""

from pathlib import Path

from devstack import packages
from devstack.postgres import Postgres
from devstack.processes import Command, Server, says_listening


def start(postgres: Postgres, jwt_secret: str, *, logs: Path, port: int = 0) -> Server:
    """Start auth; its tables are there once it is ready.

    Args:
        postgres: A running Postgres.
        jwt_secret: Signs the tokens it gives out.
        logs: Folder for its log.
        port: The port to prefer; another one if it is taken or 0.
    """
    database_url = postgres.url("supabase_auth_admin")

    def command(port: int) -> Command:
        return Command(
            argv=[packages.node(), Path(__file__).with_suffix(".mjs")],
            environment={
                "PORT": str(port),
                "DATABASE_URL": database_url,
                "JWT_SECRET": jwt_secret,
            },
        )

    return Server("auth", command, says_listening, logs=logs, port=port)
