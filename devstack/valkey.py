"""The Valkey part: what the bridge keeps its keys in, see bridge.py.

Nothing of it is kept: a cache that has lost everything must be as right as one that has not.
"""

import socket
from pathlib import Path

from devstack import packages
from devstack.files import write_private
from devstack.processes import Command, Part, Server

# Upstash evicts at random, and keys that end by themselves before all others.
_SETTINGS = """\
bind 127.0.0.1
databases 1
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-random
"""


def start(folder: Path, password: str, *, logs: Path, port: int = 0) -> Server:
    """Start Valkey.

    Args:
        folder: For its settings; made if it is not there.
        password: What callers must know.
        logs: Folder for its log.
        port: The port to prefer; another one if it is taken or 0.
    """
    folder.mkdir(exist_ok=True, mode=0o700)
    settings = folder / "valkey.conf"
    # Not in the command line, which anyone on this machine may read.
    write_private(settings, f"{_SETTINGS}dir {folder}\nrequirepass {password}\n")

    def command(port: int) -> Command:
        return Command(argv=[packages.valkey(), settings, "--port", str(port)], environment={})

    def ready(_part: Part, port: int) -> bool:
        # A stranger on this port refuses the password.
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
                return connection.makefile("rb").read().startswith(b"+OK\r\n+PONG\r\n")
        except OSError:
            return False

    return Server("valkey", command, ready, logs=logs, port=port)
