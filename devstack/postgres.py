"""Postgres as hosted Supabase sets it up, alone or as the first part of the stack.

    with Postgres(Path("data")) as postgres:
        psycopg.connect(postgres.url("postgres"))

The superuser is `supabase_admin`. The role `postgres`, which owns the database and runs
migrations, is none, as on hosted Supabase.
"""

import hashlib
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import psycopg

from devstack import packages
from devstack.packages import Major, StackError
from devstack.processes import Cancelled, Command, Part, Server

Role = Literal["supabase_admin", "postgres", "authenticator", "supabase_auth_admin"]
Grants = Literal["closed", "open"]

_HOSTED_SQL = Path(__file__).with_name("hosted.sql")
_THROW_AWAY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
_PREDECESSOR_SECONDS = 30

# Bits of capabilities(7).
_SETPCAP = 1 << 8
_ENTER_ANY_FOLDER = {"dac_read_search": 1 << 2, "dac_override": 1 << 1}


class Postgres:
    """A cluster in a folder.

    Args:
        data: Folder to keep it in; made at the first start, found again at the next.
        major: Hosted Supabase runs both.
        grants: What anon, authenticated and service_role get on what `postgres` makes in
            `public`: next to nothing ("closed", projects since October 2026) or all
            ("open", older projects).
        durable: Whether what is committed must survive a crash; much slower.
        port: The port to prefer; another one if it is taken or 0.
    """

    def __init__(
        self,
        data: Path,
        major: Major = 17,
        grants: Grants = "closed",
        durable: bool = False,
        port: int = 0,
    ) -> None:
        packages.check_platform()
        self._data = data.resolve()
        self._major = major
        self._grants = grants
        self._durable = durable
        self._wanted_port = port
        self._binaries = packages.postgres(major)
        self._cluster = self._data / "cluster"
        self._password_file = self._data / "password"
        # Postgres puts it into the command line of all its processes: see _predecessors.
        self._cluster_name = "devstack-" + hashlib.sha256(bytes(self._cluster)).hexdigest()[:16]
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start(threading.Event())
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def server(self) -> Server:
        """The running server."""
        if self._server is None:
            raise StackError("Postgres is not running")
        return self._server

    def url(self, role: Role = "postgres") -> str:
        """Connection URL of the database `postgres` for a role."""
        password = self._password_file.read_text()
        return f"postgresql://{role}:{password}@127.0.0.1:{self.server.port}/postgres"

    def start(self, cancelled: threading.Event) -> None:
        """Make the cluster if there is none, start it, and apply hosted.sql.

        Raises:
            StackError: It cannot run here; says why.
            Cancelled: `cancelled` was set first.
        """
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._cluster.exists():
            self._initialize(cancelled)
        self._take_over(cancelled)
        self._server = Server(
            "postgres", self._command, self._answers, logs=self._data, port=self._wanted_port
        )
        try:
            self._server.wait(cancelled)
            self._bootstrap()
        except BaseException:
            self.stop()
            raise

    def restart(self, cancelled: threading.Event) -> None:
        """Stop the server, if it has not ended by itself, and start it on the same port.

        Raises:
            StackError: It cannot run here any more; says why.
            Cancelled: `cancelled` was set first.
        """
        self.server.stop()
        self._take_over(cancelled)
        self.server.restart(cancelled)

    def stop(self) -> None:
        """Roll back what is open, write all out, end."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _initialize(self, cancelled: threading.Event) -> None:
        privileges = self._privileges()
        # Under another name first: what is called "cluster" is complete.
        unfinished = self._data / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_hex(16))
        if user := _server_user():
            try:
                for path in (unfinished, self._password_file):
                    os.chown(path, user.pw_uid, user.pw_gid)
            except OSError as error:
                raise _root_refused(f"{self._data} cannot be given to {user.pw_name}") from error
        initdb = Command(
            argv=[
                self._binaries / "initdb",
                f"--pgdata={unfinished}",
                "--username=supabase_admin",
                "--auth=scram-sha-256",
                f"--pwfile={self._password_file}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                *([] if self._durable else ["--no-sync"]),
            ],
            environment={},
            privileges=privileges,
        )
        Part("initdb", initdb, self._data / "initdb.log").run(cancelled)
        unfinished.rename(self._cluster)

    def _take_over(self, cancelled: threading.Event) -> None:
        """Wait until a predecessor on this cluster is gone, and disown its lock file."""
        deadline = time.monotonic() + _PREDECESSOR_SECONDS
        while pid := next(self._predecessors(), None):
            if time.monotonic() > deadline:
                raise StackError(f"Postgres process {pid} still uses {self._cluster}")
            if cancelled.wait(0.05):
                raise Cancelled
        lock = self._cluster / "postmaster.pid"
        if lock.exists():
            # Its process id may belong to anyone by now, and Postgres would refuse to
            # start. The id of its parent it takes for stale, and unlike with no lock file
            # at all it still looks for the predecessor's shared memory.
            lines = lock.read_text().splitlines(keepends=True)
            lock.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))

    def _predecessors(self) -> Iterator[int]:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self._cluster_name.encode() in (process / "cmdline").read_bytes():
                    yield int(process.name)
            except OSError:
                continue  # has ended since

    def _command(self, port: int) -> Command:
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={port}",
            "unix_socket_directories=",
            "max_connections=100",
            "timezone=UTC",
            f"cluster_name={self._cluster_name}",
            *(() if self._durable else _THROW_AWAY),
        ]
        return Command(
            argv=[
                self._binaries / "postgres",
                f"-D{self._cluster}",
                *(f"-c{setting}" for setting in settings),
            ],
            environment={},
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
            privileges=self._privileges(),
        )

    def _answers(self, _part: Part, _port: int) -> bool:
        # A stranger on this port refuses the password.
        try:
            psycopg.connect(self.url("supabase_admin"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _bootstrap(self) -> None:
        password = self._password_file.read_text()
        with psycopg.connect(self.url("supabase_admin")) as database:
            database.execute(_HOSTED_SQL.read_bytes())
            database.execute(self._default_privileges().encode())
            for role in ("postgres", "authenticator", "supabase_auth_admin"):
                database.execute(f"alter role {role} password '{password}'".encode())

    def _default_privileges(self) -> str:
        if self._grants == "open":
            granted = ["all on tables", "all on sequences", "all on functions"]
        elif self._major == 15:
            granted = ["truncate, references, trigger on tables"]
        else:
            granted = ["truncate, references, trigger, maintain on tables"]
        return "".join(
            "alter default privileges for role postgres in schema public"
            f" grant {privileges} to anon, authenticated, service_role;"
            for privileges in granted
        )

    def _privileges(self) -> list[str]:
        user = _server_user()
        if user is None:
            return []
        drop = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if capability := _capability():
            return [
                *drop,
                f"--inh-caps=+{capability}",
                f"--ambient-caps=+{capability}",
                # Else access(2), by which initdb looks for its files, leaves it out.
                "--securebits=+no_setuid_fixup",
            ]
        for folder in (self._binaries, *self._binaries.parents, *self._cluster.parents):
            if not folder.stat().st_mode & stat.S_IXOTH:
                raise _root_refused(f"{user.pw_name} may not enter {folder}")
        return drop


def _root_refused(reason: str) -> StackError:
    return StackError(
        f"Postgres refuses to run as root, and {reason}: run the stack as an ordinary user"
    )


def _server_user() -> pwd.struct_passwd | None:
    """Whom to run Postgres as; None: as ourselves. It refuses root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _capability() -> str | None:
    """What lets the server's user enter folders that only root may, if we can give it.

    The project or its data may lie below /root or a folder made by mktemp. Containers
    often have nothing but the wider right, to write everywhere too.
    """
    status = Path("/proc/self/status").read_text()
    permitted = int(re.findall(r"^CapPrm:\s*([0-9a-f]+)", status, re.MULTILINE)[0], 16)
    if permitted & _SETPCAP:
        for name, bit in _ENTER_ANY_FOLDER.items():
            if permitted & bit:
                return name
    return None
