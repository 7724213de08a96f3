"""The gateway part: the one address that clients know, see gateway.mjs."""

from pathlib import Path

from devstack import packages
from devstack.processes import Command, Server, says_listening


def start(
    postgrest_port: int, auth_port: int, api_keys: list[str], *, logs: Path, port: int = 0
) -> Server:
    """Start the gateway.

    Args:
        postgrest_port: Where /rest/v1 is answered.
        auth_port: Where /auth/v1 is answered.
        api_keys: The keys that it lets in.
        logs: Folder for its log.
        port: The port to prefer; another one if it is taken or 0.
    """

    def command(port: int) -> Command:
        return Command(
            argv=[packages.node(), Path(__file__).with_suffix(".mjs")],
            environment={
                "PORT": str(port),
                "API_KEYS": " ".join(api_keys),
                "POSTGREST_PORT": str(postgrest_port),
                "AUTH_PORT": str(auth_port),
            },
        )

    return Server("gateway", command, says_listening, logs=logs, port=port)
