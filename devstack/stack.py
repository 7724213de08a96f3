"""The whole stack, in one process that starts it, watches it and stops it.

with Stack() as stack:
    create_client(stack.addresses["supabase_url"], stack.addresses["anon_key"])
"""

import contextlib
import fcntl
import json
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypedDict

import jwt

from devstack import auth, gateway, migrations, packages, postgrest
from devstack.files import write_private
from devstack.packages import StackError
from devstack.postgres import Postgres
from devstack.processes import Server

_WATCH_SECONDS = 0.2
_KEY_SECONDS = 10 * 365 * 24 * 3600


class Addresses(TypedDict):
    """Where the stack is and how to get in. `database_url` is for the role `postgres`."""

    supabase_url: str
    anon_key: str
    service_role_key: str
    jwt_secret: str
    database_url: str
    pids: dict[str, int]


class State(TypedDict):
    """What stays the same from one start on the same data to the next."""

    jwt_secret: str
    anon_key: str
    service_role_key: str
    ports: dict[str, int]


class Stack:
    """All parts: started on entering, stopped on leaving.

    Args:
        data: Folder to keep everything in; None: a temporary one, removed at the end.
        progress: Gets a line as soon as a part is ready, and when one ends by itself.
        cancelled: Set it, from a thread or a signal handler, to give up starting.
    """

    addresses: Addresses

    def __init__(
        self,
        data: Path | None = None,
        progress: Callable[[str], None] = lambda _line: None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self._wanted_data = data
        self._progress = progress
        self._cancelled = cancelled or threading.Event()
        self._cleanup = contextlib.ExitStack()
        self._servers: list[Server] = []

    def __enter__(self) -> Self:
        """Start everything.

        Raises:
            StackError: Something cannot run; says what, and what to do about it.
            Cancelled: `cancelled` was set first.
        """
        try:
            self._start()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def watch(self, stopping: threading.Event) -> None:
        """Return once `stopping` is set; until then, say which parts end by themselves."""
        running = self._servers
        while not stopping.wait(_WATCH_SECONDS):
            fallen = [server for server in running if server.part.exit_code is not None]
            running = [server for server in running if server not in fallen]
            for server in fallen:
                self._progress(f"{server.name} has ended; the others keep running")

    def _start(self) -> None:
        started = time.monotonic()
        packages.check_platform()
        data = self._claim_data()
        logs = data / "logs"
        logs.mkdir(exist_ok=True)
        state_file = data / "stack.json"
        state: State = json.loads(state_file.read_text()) if state_file.exists() else _new_state()
        jwt_secret, service_role_key = state["jwt_secret"], state["service_role_key"]
        ports = state["ports"]

        def report(what: str) -> None:
            self._progress(f"{time.monotonic() - started:6.2f} s  {what}")

        def ready(server: Server) -> None:
            server.wait(self._cancelled)
            wanted = ports.get(server.name, server.port)
            taken = "" if server.port == wanted else f" on another port: {wanted} is taken"
            report(server.name + taken)
            ports[server.name] = server.port

        postgres = Postgres(
            data / "postgres",
            durable=self._wanted_data is not None,
            port=ports.get("postgres", 0),
        )
        postgres.start(self._cancelled)
        self._keep(postgres.server)
        ready(postgres.server)

        # Auth takes a while to load, the migrations need nothing of it.
        auth_server = self._keep(
            auth.start(postgres, jwt_secret, logs=logs, port=ports.get("auth", 0))
        )
        migrations.push(postgres.url(), self._cancelled)
        report("migrations")
        ready(auth_server)

        postgrest_server = self._keep(
            postgrest.start(
                postgres,
                jwt_secret,
                service_role_key,
                logs=logs,
                port=ports.get("postgrest", 0),
            )
        )
        ready(postgrest_server)

        gateway_server = self._keep(
            gateway.start(
                postgrest_server.port,
                auth_server.port,
                [state["anon_key"], service_role_key],
                logs=logs,
                port=ports.get("gateway", 0),
            )
        )
        ready(gateway_server)

        write_private(state_file, json.dumps(state))
        self.addresses = {
            "supabase_url": f"http://127.0.0.1:{gateway_server.port}",
            "anon_key": state["anon_key"],
            "service_role_key": service_role_key,
            "jwt_secret": jwt_secret,
            "database_url": postgres.url(),
            "pids": {server.name: server.part.pid for server in self._servers},
        }

    def _claim_data(self) -> Path:
        if self._wanted_data is None:
            data = Path(tempfile.mkdtemp(prefix="devstack-"))
            self._cleanup.callback(shutil.rmtree, data)
        else:
            data = self._wanted_data.resolve()
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = self._cleanup.enter_context((data / "lock").open("w"))
        except OSError as error:
            raise StackError(f"{data} cannot hold the data: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"{data} is in use by a stack that runs already") from None
        return data

    def _keep(self, server: Server) -> Server:
        self._cleanup.callback(server.stop)
        self._servers.append(server)
        return server


def _new_state() -> State:
    secret = secrets.token_hex(32)
    return {
        "jwt_secret": secret,
        "anon_key": _api_key("anon", secret),
        "service_role_key": _api_key("service_role", secret),
        "ports": {},
    }


def _api_key(role: str, secret: str) -> str:
    now = int(time.time())
    claims = {"iss": "supabase", "role": role, "iat": now, "exp": now + _KEY_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")
