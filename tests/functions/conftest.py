"""Valkey, and the bridge to it, for tests of what the functions keep there."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from devstack import bridge, valkey
from devstack.processes import Server

PASSWORD = "not-a-secret"
TOKEN = "no-secret-either"


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Valkey for all tests that empty it before they begin."""
    folder = tmp_path_factory.mktemp("valkey")
    with _running(lambda: valkey.start(folder, PASSWORD, logs=folder)) as server:
        yield server


@pytest.fixture(scope="session")
def bridge_url(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the bridge to it is; its token is TOKEN."""
    folder = tmp_path_factory.mktemp("bridge")
    with _running(lambda: bridge.start(valkey_server.port, PASSWORD, TOKEN, logs=folder)) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def store(valkey_server: Server) -> Iterator[redis.Redis]:
    """What Valkey holds, seen from beside the functions; nothing at first."""
    with redis.Redis(port=valkey_server.port, password=PASSWORD) as client:
        client.flushall()
        yield client


@contextlib.contextmanager
def _running(start: Callable[[], Server]) -> Iterator[Server]:
    server = start()
    try:
        server.wait(threading.Event())
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests of coroutines run as the functions do, on asyncio."""
    return "asyncio"
