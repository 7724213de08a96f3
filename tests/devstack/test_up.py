"""The command's own life: what it prints, how it ends, what it survives."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from supabase import Client, PostgrestAPIError

from devstack import processes
from devstack.stack import CACHED, Stack
from tests.devstack.conftest import (
    SECONDS,
    Command,
    descendants,
    mentioning,
    running,
    wait_until,
)
from tests.samples import small

Up = Callable[..., Command]
PARTS = {"postgres", "auth", "postgrest", "gateway"} | CACHED
# How a part starts and ends is the same for all: most tests do with few.
FEW = ("--without", *sorted(CACHED))


@pytest.mark.parametrize(
    ("number", "times", "without"),
    [
        (signal.SIGTERM, 1, ()),
        (signal.SIGHUP, 1, FEW),
        (signal.SIGINT, 1, FEW),
        (signal.SIGINT, 1000, ()),
    ],
    ids=["terminated", "terminal closed", "ctrl-c", "ctrl-c until it has ended"],
)
def test_it_prints_one_line_and_leaves_nothing_behind(
    up: Up, tmp_path: Path, number: signal.Signals, times: int, without: tuple[str, ...]
) -> None:
    file = tmp_path / "addresses.json"
    command = up("--json", file, *without)
    addresses = command.ready()
    started = descendants(command.process.pid)

    assert command.stdout.count("\n") == 1
    assert json.loads(file.read_text()) == addresses
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(addresses["pids"]) == PARTS.difference(without)
    assert set(addresses["pids"].values()) <= started
    assert addresses["pids"]["postgres"] in mentioning(command.temporary)
    # A terminal's Ctrl-C goes to a whole process group: the parts are in others.
    assert os.getpgid(command.process.pid) not in map(os.getpgid, addresses["pids"].values())

    while times and command.process.poll() is None:
        command.process.send_signal(number)
        time.sleep(0.005)
        times -= 1

    assert command.process.wait(SECONDS) == 0
    assert not running(started)
    assert not mentioning(command.temporary)
    assert not list(command.temporary.iterdir())
    assert not file.exists()


@pytest.mark.parametrize("line", [0, 1, 3])
def test_a_signal_while_it_starts_leaves_nothing_behind(up: Up, line: int) -> None:
    command = up()
    wait_until(lambda: bool(list(command.temporary.iterdir())))
    wait_until(lambda: command.stderr.count("\n") >= line)
    started = descendants(command.process.pid)
    command.process.send_signal(signal.SIGINT)

    assert command.process.wait(SECONDS) == 0
    assert not running(started | mentioning(command.temporary))
    assert not list(command.temporary.iterdir())
    assert command.stdout == ""


def test_a_killed_stack_takes_its_parts_with_it(up: Up) -> None:
    command = up()
    command.ready()
    started = descendants(command.process.pid)
    assert len(started) > len(PARTS)

    command.process.kill()

    wait_until(lambda: not running(started))


def test_all_killed_at_once_come_back_with_every_save_that_was_answered(
    up: Up, tmp_path: Path, connect: Callable[..., Client]
) -> None:
    data = tmp_path / "data"
    command = up("--data", data)
    before = command.ready()
    client = connect(before)
    session = client.auth.sign_up({"email": "ann@example.com", "password": "long-enough"}).session
    assert session

    def call(function: str, **arguments: Any) -> Any:
        return client.rpc(function, arguments).execute().data

    id_ = call("create_composition", title="Kept", document=small(n=1))["composition_id"]
    answered = [1]

    def save_until_killed() -> None:
        with contextlib.suppress(httpx.HTTPError, PostgrestAPIError):  # no answer, or a 502
            while True:
                base = answered[-1]
                saved = call(
                    "save_version",
                    composition_id=id_,
                    base_version=base,
                    document=small(n=base + 1),
                )
                answered.append(saved["version"])

    saver = threading.Thread(target=save_until_killed)
    saver.start()
    wait_until(lambda: len(answered) > 20)

    victims = [command.process.pid, *descendants(command.process.pid)]
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped, so that none sees another die
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    command.process.wait(SECONDS)
    saver.join(SECONDS)
    after = up("--data", data).ready()

    assert {**after, "pids": None} == {**before, "pids": None}
    for version in answered:
        kept = call("get_version", composition_id=id_, version=version)
        assert kept["document"] == small(n=version)
    user = client.auth.get_user(session.access_token)
    assert user and user.user.email == "ann@example.com"


def test_a_new_start_waits_for_a_killed_one_that_still_shuts_down(up: Up, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = up("--data", data, *FEW)
    with psycopg.connect(command.ready()["database_url"]) as database:
        backend = database.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        try:
            command.process.kill()
            successor = up("--data", data, *FEW)
            time.sleep(1)
            assert successor.process.poll() is None
            assert "postgres" not in successor.stderr
        finally:
            os.kill(backend, signal.SIGCONT)

    successor.ready()


def test_data_in_use_is_refused_and_a_taken_port_is_replaced(up: Up, tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "addresses.json"
    first = up("--data", data, "--json", file, *FEW)
    before = first.ready()

    second = up("--data", data, "--json", file)
    assert second.process.wait(SECONDS) == 1
    assert second.stdout == ""
    assert "in use" in second.stderr
    assert json.loads(file.read_text()) == before
    assert first.stop() == 0

    host, port = before["supabase_url"].removeprefix("http://").split(":")
    with socket.create_server((host, int(port))):
        third = up("--data", data, *FEW)
        after = third.ready()
    assert f"{port} is taken" in third.stderr
    assert after["supabase_url"] != before["supabase_url"]
    assert after["database_url"] == before["database_url"]
    assert after["anon_key"] == before["anon_key"]


def test_a_port_that_is_taken_in_the_last_moment_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free_port = processes._free_port
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        taken: int = stranger.getsockname()[1]
        offers = [taken, 0] * (len(PARTS) - 2)  # two listen on none
        monkeypatch.setattr(processes, "_free_port", lambda: offers.pop(0) or free_port())

        with Stack() as stack:
            assert str(taken) not in json.dumps(stack.addresses)
    assert not offers
    assert not running(set(stack.addresses["pids"].values()))


def test_the_others_outlive_a_part(up: Up) -> None:
    command = up(*FEW)
    addresses = command.ready()
    started = descendants(command.process.pid)

    os.kill(addresses["pids"]["auth"], signal.SIGKILL)

    wait_until(lambda: "auth has ended" in command.stderr)
    assert running(set(addresses["pids"].values())) == {
        pid for part, pid in addresses["pids"].items() if part != "auth"
    }
    assert command.stop() == 0
    assert not running(started)


def test_the_keys_are_tokens_for_ten_years(stack: Stack) -> None:
    for name in ("anon", "service_role"):
        key = stack.addresses[f"{name}_key"]  # type: ignore[literal-required]
        claims = jwt.decode(key, stack.addresses["jwt_secret"], algorithms=["HS256"])
        assert (claims["iss"], claims["role"]) == ("supabase", name)
        assert claims["exp"] - claims["iat"] == 10 * 365 * 24 * 3600


@pytest.mark.parametrize("option", ["--data", "--json"])
def test_a_place_that_cannot_be_used_is_refused_by_name(
    up: Up, tmp_path: Path, option: str
) -> None:
    place = tmp_path / "place"
    if option == "--data":
        place.write_text("a file is no folder")
    else:
        place.mkdir()

    command = up(option, place)

    assert command.process.wait(SECONDS) in (1, 2)
    assert str(place) in command.stderr and "Traceback" not in command.stderr
    assert command.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["command-0", "place"]


def test_the_addresses_of_a_successor_stay_when_the_first_ends(up: Up, tmp_path: Path) -> None:
    file = tmp_path / "addresses.json"
    first = up("--json", file, *FEW)
    first.ready()
    second = up("--json", file, *FEW)
    addresses = second.ready()

    assert first.stop() == 0
    assert json.loads(file.read_text()) == addresses
    assert second.stop() == 0
    assert not file.exists()
