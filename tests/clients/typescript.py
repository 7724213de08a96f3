"""The compiler of TypeScript."""

from __future__ import annotations

import subprocess
from pathlib import Path

from devstack import packages


def compile_typescript(file: Path) -> list[str]:
    """What the compiler finds wrong with a program."""
    done = subprocess.run(
        [
            packages.node(),
            packages.NODE_MODULES / "typescript" / "bin" / "tsc",
            "--noEmit",
            "--strict",
            "--exactOptionalPropertyTypes",
            "--noUncheckedIndexedAccess",
            "--skipLibCheck",  # of packages: theirs need the types of Node
            "--target",
            "es2022",
            "--module",
            "nodenext",
            file,
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "error TS" in line]
