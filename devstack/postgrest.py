"""The PostgREST part: tables and functions of schema public under /rest/v1."""

import contextlib
import http.client
from http import HTTPStatus
from pathlib import Path

from devstack import packages
from devstack.postgres import Postgres
from devstack.processes import Command, Part, Server


def start(
    postgres: Postgres, jwt_secret: str, service_role_key: str, *, logs: Path, port: int = 0
) -> Server:
    """Start PostgREST with the settings of a hosted project.

    Args:
        postgres: A running Postgres.
        jwt_secret: Checks the callers' tokens.
        service_role_key: A token to ask with whether it is ready.
        logs: Folder for its log.
        port: The port to prefer; another one if it is taken or 0.
    """
    database_url = postgres.url("authenticator")

    def command(port: int) -> Command:
        return Command(
            argv=[packages.postgrest()],
            environment={
                "PGRST_DB_URI": database_url,
                "PGRST_DB_SCHEMAS": "public",
                "PGRST_DB_ANON_ROLE": "anon",
                "PGRST_DB_EXTRA_SEARCH_PATH": "public,extensions",
                "PGRST_DB_MAX_ROWS": "1000",
                "PGRST_DB_POOL": "10",
                "PGRST_JWT_SECRET": jwt_secret,
                "PGRST_SERVER_HOST": "127.0.0.1",
                "PGRST_SERVER_PORT": str(port),
                "PGRST_LOG_LEVEL": "error",
            },
        )

    def ready(_part: Part, port: int) -> bool:
        # A stranger on this port, even another PostgREST, refuses our token.
        headers = {"Authorization": f"Bearer {service_role_key}"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/", headers=headers)
                return connection.getresponse().status == HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

    return Server("postgrest", command, ready, logs=logs, port=port)
