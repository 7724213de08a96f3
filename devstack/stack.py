"""The whole stack, in one process that starts it, watches it and stops it.

with Stack() as stack:
    create_client(stack.addresses["supabase_url"], stack.addresses["anon_key"])
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, Self, TypedDict, cast

import jwt
import psycopg

from devstack import (
    auth,
    bridge,
    front,
    gateway,
    migrations,
    packages,
    postgrest,
    scheduler,
    valkey,
    webhooks,
)
from devstack.files import write_private
from devstack.own import Redis, Supabase
from devstack.packages import StackError
from devstack.postgres import Postgres
from devstack.processes import Server
from devstack.workers import Function

# What a test of the database alone does without.
CACHED = frozenset({"valkey", "bridge", "webhooks", "functions", "scheduler"})

_HAS_WEBHOOK = "select to_regprocedure('private.configure_webhook(text, text)')"
_WATCH_SECONDS = 0.2
_KEY_SECONDS = 10 * 365 * 24 * 3600


class Addresses(TypedDict):
    """Where the stack is and how to get in. `database_url` is for the role `postgres`.

    What parts of the user's own do not tell is missing, and what parts that were left out have.
    """

    supabase_url: str
    anon_key: str
    service_role_key: str
    jwt_secret: NotRequired[str]
    database_url: NotRequired[str]
    functions_url: NotRequired[str]
    webhook_url: NotRequired[str]
    redis_rest_url: NotRequired[str]
    redis_rest_token: NotRequired[str]
    pids: dict[str, int]


class State(TypedDict):
    """What stays the same from one start on the same data to the next."""

    jwt_secret: str
    anon_key: str
    service_role_key: str
    valkey_password: str
    redis_rest_token: str
    webhook_secret: str
    ports: dict[str, int]
    url_ports: dict[str, int]


class Stack:
    """All parts: started on entering, stopped on leaving.

    Args:
        data: Folder to keep everything in; None: a temporary one, removed at the end.
        progress: Gets a line as soon as a part is ready, and when one ends by itself.
        cancelled: Set it, from a thread or a signal handler, to give up starting.
        without: Names of parts to leave out, of those in `CACHED`.
        functions: What runs behind function URLs, by name.
        environment: What the functions find in theirs, beside where everything is.
        freeze: Whether workers of functions stand still between calls, as on Lambda.
        rates: Seconds from one scheduled call of a function to the next, by its name.
        supabase: A project to use instead of starting one.
        redis: A Redis to use instead of starting one.
    """

    addresses: Addresses
    logs: Path  # a file for each part
    invoke_url: str | None = None  # of Lambda's Invoke API

    def __init__(
        self,
        data: Path | None = None,
        progress: Callable[[str], None] = lambda _line: None,
        cancelled: threading.Event | None = None,
        *,
        without: Collection[str] = (),
        functions: Mapping[str, Function] = front.FUNCTIONS,
        environment: Mapping[str, str] | None = None,
        freeze: bool = False,
        rates: Mapping[str, float] = scheduler.RATES,
        supabase: Supabase | None = None,
        redis: Redis | None = None,
    ) -> None:
        self._wanted_data = data
        self._progress = progress
        self._cancelled = cancelled or threading.Event()
        self._without = without
        self._functions = functions
        self._environment = environment or {}
        self._freeze = freeze
        self._rates = rates
        self._own_supabase = supabase
        self._own_redis = redis
        self._cleanup = contextlib.ExitStack()
        self._servers: dict[str, Server] = {}
        self._postgres: Postgres | None = None

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
        running = list(self._servers.values())
        while not stopping.wait(_WATCH_SECONDS):
            fallen = [server for server in running if server.part.exit_code is not None]
            running = [server for server in running if server not in fallen]
            for server in fallen:
                self._progress(f"{server.name} has ended; the others keep running")

    def restart(self, name: str) -> None:
        """End a part, if it has not ended by itself, and start it again where it was.

        Args:
            name: Such as "valkey"; one of the keys of `addresses["pids"]`.

        Raises:
            StackError: It does not come up again.
        """
        if name == "postgres" and self._postgres:
            self._postgres.restart(self._cancelled)
        else:
            self._servers[name].restart(self._cancelled)
        self.addresses["pids"][name] = self.pid(name)

    def pid(self, name: str) -> int:
        """The process of a part."""
        return self._servers[name].part.pid

    @contextlib.contextmanager
    def killed(self, name: str) -> Iterator[None]:
        """Do without a part, which ends in no good order; it is started again where it was.

        Args:
            name: As for restart().
        """
        os.kill(self.pid(name), signal.SIGKILL)
        try:
            yield
        finally:
            self.restart(name)

    @contextlib.contextmanager
    def hanging(self, name: str) -> Iterator[None]:
        """Have a part stand still: it takes what is sent to it, and answers afterwards.

        Args:
            name: As for restart().
        """
        os.kill(self.pid(name), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid(name), signal.SIGCONT)

    def function_url(self, name: str) -> str:
        """The address of a function that has one.

        Args:
            name: Such as "api".
        """
        return f"http://127.0.0.1:{self._state['url_ports'][name]}"

    def _start(self) -> None:
        self._begun = time.monotonic()
        packages.check_platform()
        data = self._claim_data()
        self.logs = data / "logs"
        self.logs.mkdir(exist_ok=True)
        state_file = data / "stack.json"
        self._state = _state(json.loads(state_file.read_text()) if state_file.exists() else {})

        # Every part loads while the next ones start; it is waited for where it is needed.
        starting_bridge = self._start_redis(data)
        supabase = self._own_supabase or self._start_supabase(data)
        redis = self._own_redis
        if starting_bridge:
            self._ready(starting_bridge)
            redis = Redis(_url(starting_bridge), self._state["redis_rest_token"])
        self.addresses = _addresses(supabase, redis)
        if "functions" not in self._without:
            self._start_functions(supabase, redis)
        if self._postgres:
            self._configure_webhook(self._postgres.url())
        if "scheduler" not in self._without:
            self._ready(
                self._keep(
                    scheduler.start(
                        self._servers["functions"].port if self.invoke_url else None,
                        supabase.database_url,
                        self._rates,
                        logs=self.logs,
                    )
                )
            )
        write_private(state_file, json.dumps(self._state))
        self.addresses["pids"] = {name: self.pid(name) for name in self._servers}

    def _start_redis(self, data: Path) -> Server | None:
        """Start Valkey and the bridge; returns the bridge, which is not ready yet."""
        if self._own_redis or "valkey" in self._without:
            return None
        password = self._state["valkey_password"]
        store = self._keep(
            valkey.start(
                data / "valkey", password, logs=self.logs, port=self._wanted_port("valkey")
            )
        )
        self._ready(store)
        if "bridge" in self._without:
            return None
        return self._keep(
            bridge.start(
                store.port,
                password,
                self._state["redis_rest_token"],
                logs=self.logs,
                port=self._wanted_port("bridge"),
            )
        )

    def _start_supabase(self, data: Path) -> Supabase:
        """Start all that a hosted project has."""
        state, logs = self._state, self.logs
        postgres = Postgres(
            data / "postgres",
            durable=self._wanted_data is not None,
            port=self._wanted_port("postgres"),
        )
        postgres.start(self._cancelled)
        self._postgres = postgres
        self._keep(postgres.server)
        self._ready(postgres.server)

        # Auth takes a while to load, the migrations need nothing of it.
        auth_server = self._keep(
            auth.start(postgres, state["jwt_secret"], logs=logs, port=self._wanted_port("auth"))
        )
        if "webhooks" not in self._without:
            sender = self._keep(webhooks.start(postgres, logs=logs))
        else:
            sender = None
        migrations.push(postgres.url(), self._cancelled)
        self._report("migrations")
        self._ready(auth_server)
        if sender:
            self._ready(sender)

        postgrest_server = self._keep(
            postgrest.start(
                postgres,
                state["jwt_secret"],
                state["service_role_key"],
                logs=logs,
                port=self._wanted_port("postgrest"),
            )
        )
        self._ready(postgrest_server)

        gateway_server = self._keep(
            gateway.start(
                postgrest_server.port,
                auth_server.port,
                [state["anon_key"], state["service_role_key"]],
                logs=logs,
                port=self._wanted_port("gateway"),
            )
        )
        self._ready(gateway_server)
        return Supabase(
            _url(gateway_server),
            state["anon_key"],
            state["service_role_key"],
            state["jwt_secret"],
            postgres.url(),
        )

    def _start_functions(self, supabase: Supabase, redis: Redis | None) -> None:
        """Start the functions, and put their addresses to the others."""
        environment = {
            "SUPABASE_URL": supabase.url,
            "SUPABASE_ANON_KEY": supabase.anon_key,
            "SUPABASE_SERVICE_ROLE_KEY": supabase.service_role_key,
            "WEBHOOK_SECRETS": self._state["webhook_secret"],
            "ALLOWED_ORIGINS": "*",
        }
        if supabase.jwt_secret:
            environment["SUPABASE_JWT_SECRET"] = supabase.jwt_secret
        if not self._own_supabase:
            environment["SUPABASE_JWT_ISSUER"] = ""  # our auth names none in its tokens
        if redis:
            environment["UPSTASH_REDIS_REST_URL"] = redis.url
            environment["UPSTASH_REDIS_REST_TOKEN"] = redis.token
        server = self._keep(
            front.start(
                self._functions,
                {**environment, **self._environment},
                freeze=self._freeze,
                logs=self.logs,
                port=self._wanted_port("functions"),
                url_ports=self._state["url_ports"],
            )
        )
        self._ready(server)
        self.invoke_url = _url(server)
        if "api" in self._functions:
            self.addresses["functions_url"] = self.function_url("api")
        if "webhook" in self._functions:
            self.addresses["webhook_url"] = self.function_url("webhook") + "/webhooks/database"

    def _configure_webhook(self, database_url: str) -> None:
        """Say in the database where the webhook is, and that there is none if there is none."""
        url = self.addresses.get("webhook_url")
        with psycopg.connect(database_url) as database:
            if database.execute(_HAS_WEBHOOK).fetchone() != (None,):
                database.execute(
                    "select private.configure_webhook(%s, %s)",
                    [url, self._state["webhook_secret"] if url else None],
                )

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
        self._servers[server.name] = server
        return server

    def _wanted_port(self, name: str) -> int:
        return self._state["ports"].get(name, 0)

    def _ready(self, server: Server) -> None:
        server.wait(self._cancelled)
        wanted = self._wanted_port(server.name) or server.port
        taken = "" if server.port == wanted else f" on another port: {wanted} is taken"
        self._report(server.name + taken)
        self._state["ports"][server.name] = server.port

    def _report(self, what: str) -> None:
        self._progress(f"{time.monotonic() - self._begun:6.2f} s  {what}")


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def _addresses(supabase: Supabase, redis: Redis | None) -> Addresses:
    addresses: Addresses = {
        "supabase_url": supabase.url,
        "anon_key": supabase.anon_key,
        "service_role_key": supabase.service_role_key,
        "pids": {},
    }
    if supabase.jwt_secret:
        addresses["jwt_secret"] = supabase.jwt_secret
    if supabase.database_url:
        addresses["database_url"] = supabase.database_url
    if redis:
        addresses["redis_rest_url"], addresses["redis_rest_token"] = redis
    return addresses


def _state(kept: Mapping[str, Any]) -> State:
    """What is kept from the last start, and new secrets for what was not there then."""
    secret = kept.get("jwt_secret") or secrets.token_hex(32)
    new: State = {
        "jwt_secret": secret,
        "anon_key": _api_key("anon", secret),
        "service_role_key": _api_key("service_role", secret),
        "valkey_password": secrets.token_hex(16),
        "redis_rest_token": secrets.token_hex(32),
        "webhook_secret": secrets.token_hex(32),
        "ports": {},
        "url_ports": {},
    }
    return cast(State, {**new, **kept})


def _api_key(role: str, secret: str) -> str:
    now = int(time.time())
    claims = {"iss": "supabase", "role": role, "iat": now, "exp": now + _KEY_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")
