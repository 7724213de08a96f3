"""Check what `osls deploy` would hand to AWS, with no account and no network.

    python -m scripts.deployment

osls makes the CloudFormation template of serverless.yml, and cfn-lint holds it to what AWS takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devstack import packages
from devstack.packages import NODE_MODULES, PROJECT, StackError

BUILD = PROJECT / "build"

# As an operator would give them.
PARAMETERS = {
    "supabase_url": "https://abcdefghijklmnopqrst.supabase.co",
    "supabase_anon_key": "anon-key",
    "redis_url": "https://eu1-example-12345.upstash.io",
}
# osls names every resource a function needs, be it implied or not.
_IGNORED = "W3005"


class DeploymentError(Exception):
    """What is wrong with serverless.yml, in the words of what found it."""


def main() -> int:
    """Package and lint.

    Returns:
        The exit code.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            _lint(_package(Path(folder), PARAMETERS))
        except (DeploymentError, StackError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def template(**parameters: str) -> dict[str, Any]:
    """The CloudFormation template of a deployment.

    Args:
        parameters: Others than PARAMETERS, or instead of them.

    Raises:
        DeploymentError: osls refuses serverless.yml.
        StackError: Node or osls is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = _package(Path(folder), PARAMETERS | parameters)
        made: dict[str, Any] = json.loads(file.read_text())
        return made


def _package(folder: Path, parameters: dict[str, str]) -> Path:
    osls = NODE_MODULES / "osls" / "bin" / "serverless.js"
    if not osls.is_file():
        raise StackError("osls is not installed: run `make install`")
    artifact = folder / "functions.zip"
    with zipfile.ZipFile(artifact, "w") as archive:
        archive.writestr("placeholder", "")
    package = folder / "package"
    command: list[str | Path] = [
        packages.node(),
        osls,
        "package",
        f"--package={package}",
        "--stage=check",
    ]
    for name, value in (parameters | {"artifact": str(artifact)}).items():
        command.append(f"--param={name}={value}")
    # Nothing of this machine: neither an account nor the settings of its user.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
    # What it makes of its own schema takes most of its time.
    environment["SLS_SCHEMA_CACHE_BASE_DIR"] = str(BUILD)
    _run(command, environment)
    return package / "cloudformation-template-update-stack.json"


def _lint(file: Path) -> None:
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    _run([cfn_lint, f"--ignore-checks={_IGNORED}", "--", file], dict(os.environ))


def _run(command: Sequence[str | Path], environment: dict[str, str]) -> None:
    run = subprocess.run(
        command, check=False, cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    if run.returncode:
        raise DeploymentError(f"{run.stdout}{run.stderr}")


if __name__ == "__main__":
    sys.exit(main())
