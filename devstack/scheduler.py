"""The scheduler part: calls jobs at their rates, as EventBridge and pg_cron do.

Run as a program it is the scheduler.
"""

import functools
import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg

from devstack.processes import Command, Server, says_listening

# Seconds from one call of a function to the next.
RATES: Mapping[str, float] = {"sweep": 5, "warm": 60, "audit": 300}

_POKE_SECONDS = 5
_CALL_SECONDS = 90


def start(
    invoke_port: int | None,
    database_url: str | None,
    rates: Mapping[str, float],
    *,
    logs: Path,
) -> Server:
    """Start the scheduler.

    Args:
        invoke_port: Where functions are invoked; None: there are none.
        database_url: Where `private.poke_overdue()` is called, as the role `postgres`; None:
            nowhere.
        rates: Seconds from one call of a function to the next, by its name.
        logs: Folder for its log.
    """
    settings = {
        "invoke_port": invoke_port,
        "database_url": database_url,
        "rates": dict(rates),
    }

    def command(_port: int) -> Command:
        return Command.module("devstack.scheduler", {"SETTINGS": json.dumps(settings)})

    return Server("scheduler", command, says_listening, logs=logs, port=None)


def invoke(port: int, name: str) -> None:
    """Call a function once, and say so if it fails."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_CALL_SECONDS)
    try:
        connection.request("POST", f"/2015-03-31/functions/{name}/invocations", b"{}")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        if answer.status != http.HTTPStatus.OK or answer.headers["x-amz-function-error"]:
            print(f"scheduler: {name}: {text}", flush=True)
    finally:
        connection.close()


def poke(database_url: str) -> None:
    """Call `private.poke_overdue()`, if it is there; with a connection for it, as pg_cron."""
    with psycopg.connect(database_url) as database:
        there = database.execute("select to_regprocedure('private.poke_overdue()')").fetchone()
        if there != (None,):
            database.execute("select private.poke_overdue()")


def _every(seconds: float, call: Callable[[], None]) -> None:
    """Call again and again; a call that takes longer than `seconds` delays the next."""
    due = time.monotonic()
    while True:
        due = max(due + seconds, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
        try:
            call()
        except (OSError, http.client.HTTPException, psycopg.Error) as error:
            print(f"scheduler: {error or type(error).__name__}", flush=True)


def main() -> None:
    """Be the scheduler."""
    settings = json.loads(os.environ["SETTINGS"])
    calls: list[tuple[float, Callable[[], None]]] = []
    if port := settings["invoke_port"]:
        calls += (
            (seconds, functools.partial(invoke, port, name))
            for name, seconds in settings["rates"].items()
        )
    if url := settings["database_url"]:
        calls.append((_POKE_SECONDS, functools.partial(poke, url)))
    for seconds, call in calls:
        threading.Thread(target=_every, args=(seconds, call), daemon=True).start()
    print("listening", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
