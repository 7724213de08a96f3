"""A whole run: the stack behind the proxies, everybody acting, faults, and the quiet after them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import psycopg

from devstack.front import FUNCTIONS
from devstack.stack import Stack
from devstack.workers import Function
from tests.consistency.faults import Faults
from tests.consistency.play import Play
from tests.consistency.proxy import Proxy
from tests.consistency.referee import OVERDUE_SECONDS

HANDLER = "functions.api.handler.handler"
WEBHOOK_PATH = "/webhooks/database"

_READERS = 8
_CHANGERS = {False: 6, True: 2}  # by the functions, and past them
_PAUSE_SECONDS = 0.5
_TRASH_PAUSE_SECONDS = 2.0


@contextlib.asynccontextmanager
async def stage(seed: int, handler: str = HANDLER) -> AsyncIterator[tuple[Play, Faults]]:
    """A stack of its own, with a proxy before Redis, PostgREST and the webhook function.

    Args:
        seed: Decides who does what, and what breaks.
        handler: Of the function `api`.
    """
    secret = secrets.token_hex(32)
    async with Proxy() as redis, Proxy() as postgrest, Proxy() as webhook:
        stack = Stack(
            functions=FUNCTIONS | {"api": Function(handler, workers=3)},
            environment={
                "SUPABASE_URL": postgrest.url,
                "UPSTASH_REDIS_REST_URL": redis.url,
                "WEBHOOK_SECRETS": secret,
                "BREAKER_SECONDS": "0.5",
                "WRITE_BLOCK_SECONDS": "10",
            },
        )
        await asyncio.to_thread(stack.__enter__)
        try:
            faults = Faults(stack, seed)
            redis.stand_before(stack.addresses["redis_rest_url"], faults.redis)
            postgrest.stand_before(stack.addresses["supabase_url"], faults.database)
            webhook.stand_before(stack.addresses["webhook_url"], faults.webhook)
            async with await psycopg.AsyncConnection.connect(
                stack.addresses["database_url"], autocommit=True
            ) as database:
                await database.execute(
                    "select private.configure_webhook(%s, %s)",
                    (webhook.url + WEBHOOK_PATH, secret),
                )
                play = Play(stack.addresses, database, seed)
                try:
                    await play.set_up()
                    yield play, faults
                finally:
                    await play.close()
        finally:
            await asyncio.to_thread(stack.__exit__)


async def run(
    play: Play, faults: Faults, enough: Callable[[], bool], *, breaking: bool = True
) -> None:
    """Have everybody act until it is enough; then let the faults end.

    Args:
        play: Who acts, and judges.
        faults: What goes wrong meanwhile.
        enough: Asked again and again.
        breaking: Whether Redis and workers break, too. Slow answers and webhooks are always there.
    """
    acting = True

    async def repeat(act: Callable[[], Awaitable[None]], pause: float) -> None:
        while acting:
            await act()
            if pause:
                await asyncio.sleep(pause)

    acts: list[tuple[Callable[[], Awaitable[None]], float]] = [(play.readers.read, 0)] * _READERS
    for direct, changers in _CHANGERS.items():
        acts += [(partial(play.change, direct=direct), _PAUSE_SECONDS)] * changers
        acts += [(partial(play.trash, direct=direct), _TRASH_PAUSE_SECONDS)]
    tasks = [asyncio.create_task(repeat(act, pause)) for act, pause in acts]
    if breaking:
        tasks.append(asyncio.create_task(faults.run()))
    try:
        while not enough():
            await asyncio.sleep(0.1)
            for task in tasks:
                if task.done():
                    task.result()  # raises what it failed with
    finally:
        acting = faults.on = False
        await asyncio.gather(*tasks, return_exceptions=True)
        await faults.settle()
    play.calm_down()


async def until_agreed(play: Play) -> float:
    """Wait until everybody reads what the database says; returns after how many seconds.

    Raises:
        AssertionError: It took longer than a direct write may stay unseen.
    """
    started = time.monotonic()
    while True:
        try:
            await play.check_against_database()
        except AssertionError:
            if time.monotonic() - started > OVERDUE_SECONDS:
                raise
            await asyncio.sleep(0.5)
        else:
            return time.monotonic() - started
