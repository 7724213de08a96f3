"""The webhooks part: a stand-in for pg_net, with its functions, its delays and its losses.

What `net.http_post()` and its like queue is sent after the commit, in batches of which each
waits for its slowest request and is followed by a pause. Whatever comes back, nothing is sent
again; the queue does not survive a crash of Postgres. Run as a program it is the worker.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
from psycopg.types.json import Jsonb

from devstack.postgres import Postgres
from devstack.processes import Command, Server, says_listening

_BATCH = 200
_PAUSE_SECONDS = 1
_KEPT = "6 hours"
_RETRY_SECONDS = 0.1
_NET_SQL = Path(__file__).with_name("net.sql")


def start(postgres: Postgres, *, logs: Path) -> Server:
    """Make the schema `net` and start the worker.

    Args:
        postgres: A running Postgres.
        logs: Folder for its log.
    """
    url = postgres.url("supabase_admin")
    with psycopg.connect(url) as database:
        database.execute(_NET_SQL.read_bytes())

    def command(_port: int) -> Command:
        return Command.module("devstack.webhooks", {"DATABASE_URL": url})

    return Server("webhooks", command, says_listening, logs=logs, port=None)


class _Request(NamedTuple):
    id: int
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    milliseconds: int


class _Outcome(NamedTuple):
    id: int
    status_code: int | None = None
    content_type: str | None = None
    headers: Jsonb | None = None
    content: str | None = None
    timed_out: bool = False
    error_msg: str | None = None


async def work(database_url: str) -> None:
    """Send what is queued, for as long as Postgres is there."""
    async with (
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as database,
        httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None)) as http,
    ):
        await database.execute("listen net")
        print("listening", flush=True)
        while True:
            if await _send_batch(database, http):
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                async for _ in database.notifies(stop_after=1):
                    pass


async def _send_batch(database: psycopg.AsyncConnection[Any], http: httpx.AsyncClient) -> int:
    """Send what is queued, up to the size of a batch; returns how many that was."""
    async with database.transaction():
        # Until the last of them has answered, they are neither gone nor anybody else's.
        cursor = await database.execute(
            """
            delete from net.http_request_queue as q
             using (select r.ctid from net.http_request_queue as r order by r.id limit %s) as batch
             where q.ctid = batch.ctid
            returning q.id, q.method, q.url, q.headers, q.body, q.timeout_milliseconds
            """,
            [_BATCH],
        )
        requests = [_Request(*row) for row in await cursor.fetchall()]
        if not requests:
            return 0
        outcomes = await asyncio.gather(*(_send(http, request) for request in requests))
        async with database.cursor() as writer:
            await writer.executemany(
                "insert into net._http_response (id, status_code, content_type, headers, content,"
                " timed_out, error_msg) values (%s, %s, %s, %s, %s, %s, %s)",
                outcomes,
            )
        await database.execute(
            "delete from net._http_response as r where r.created < now() - %s::interval", [_KEPT]
        )
    return len(requests)


async def _send(http: httpx.AsyncClient, request: _Request) -> _Outcome:
    started = time.monotonic()
    try:
        async with asyncio.timeout(request.milliseconds / 1000):
            answer = await http.request(
                request.method,
                request.url,
                headers=request.headers,
                content=request.body,
                timeout=None,
            )
    except TimeoutError:
        elapsed = (time.monotonic() - started) * 1000
        message = f"Timeout of {request.milliseconds} ms reached. Total time: {elapsed:.0f} ms"
        return _Outcome(request.id, timed_out=True, error_msg=message)
    # Whatever a caller has queued, the others are sent.
    except (httpx.HTTPError, httpx.InvalidURL, TypeError, ValueError) as error:
        return _Outcome(request.id, error_msg=str(error) or type(error).__name__)
    return _Outcome(
        request.id,
        answer.status_code,
        answer.headers.get("content-type"),
        Jsonb(dict(answer.headers)),
        answer.text.replace("\0", ""),  # text cannot hold it
    )


def main() -> None:
    """Be the worker, whether or not Postgres is there."""
    while True:
        try:
            asyncio.run(work(os.environ["DATABASE_URL"]))
        except psycopg.OperationalError:
            time.sleep(_RETRY_SECONDS)


if __name__ == "__main__":
    main()
