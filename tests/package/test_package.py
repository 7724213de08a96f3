"""The zip of the functions: what is in it, and that what is in it is enough."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devstack.packages import PROJECT
from scripts import package

AARCH64, X86_64 = 183, 62
# Of Python 3.13, whichever of its releases.
MAGIC = (3571).to_bytes(2, "little") + b"\r\n"
UNCHECKED = 1

# Runs in a Python that sees the tree and its own library, and nothing that is installed.
CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from functions.api.handler import handler as api
from functions.jobs.handler import audit, sweep, warm
from functions.webhook.handler import handler as webhook

class Context:
    aws_request_id = "1"
    def get_remaining_time_in_millis(self):
        return 5000

def request(path):
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"host": "here"}, "isBase64Encoded": False,
        "requestContext": {"domainName": "here", "stage": "$default", "timeEpoch": 0, "http": {
            "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}},
    }

answers = {
    "openapi": api(request("/openapi.json"), Context())["statusCode"],
    "webhook": webhook(request("/webhooks/database"), Context())["statusCode"],
    **{job.__name__: job({}, Context())["stopped"] for job in (sweep, warm, audit)},
    "elsewhere": [m.__file__ for m in list(sys.modules.values())
                  if "site-packages" in (getattr(m, "__file__", None) or "")],
}
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def zips(tmp_path_factory) -> list[Path]:
    """The zip, built twice."""
    files = [tmp_path_factory.mktemp("build") / "functions.zip" for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(package.build, files))
    return files


@pytest.fixture(scope="module")
def entries(zips) -> dict[str, bytes]:
    with zipfile.ZipFile(zips[0]) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_two_builds_are_the_same_bytes(zips):
    first, second = (file.read_bytes() for file in zips)
    assert first == second


def test_it_is_far_below_what_lambda_takes(zips):
    # Two libraries in Rust, cryptography and pydantic_core, are 6 MB of it.
    assert zips[0].stat().st_size < 10_000_000


def test_all_of_the_functions_is_in_it(entries):
    sources = {
        file.relative_to(PROJECT).as_posix(): file.read_bytes()
        for file in (PROJECT / "functions").rglob("*")
        if file.is_file() and file.parent.name != "__pycache__"
    }
    assert {name.rpartition(".")[2] for name in sources} == {"py", "lua"}
    assert sources.items() <= entries.items()


def test_nothing_else_of_the_project_is_in_it(entries):
    folders = {file.name for file in PROJECT.iterdir()} - {"functions"}
    assert {name.split("/")[0] for name in entries} & folders == set()
    assert [name for name in entries if "dist-info" in name or "/tests/" in name] == []


def test_its_libraries_are_for_arm64(entries):
    machines = {
        name: struct.unpack_from("<H", content, 18)[0]
        for name, content in entries.items()
        if name.endswith(".so")
    }
    assert len(machines) > 3
    assert set(machines.values()) == {AARCH64}


def test_all_of_it_is_compiled_and_nothing_compares_it_with_its_source(entries):
    compiled = {name: content for name, content in entries.items() if name.endswith(".pyc")}
    heads = {
        (content[:4], struct.unpack_from("<I", content, 4)[0]) for content in compiled.values()
    }
    assert heads == {(MAGIC, UNCHECKED)}
    # Sources only of what is ours, and all of them compiled.
    sources = [name for name in entries if name.endswith(".py")]
    assert all(name.startswith("functions/") for name in sources)
    assert [
        name
        for name in sources
        if "/__pycache__/".join(name.removesuffix(".py").rsplit("/", 1)) + ".cpython-313.pyc"
        not in compiled
    ] == []


def test_its_bytecode_names_files_as_they_are_called_on_lambda(entries):
    assert b"/var/task/jwt/api_jwt.py" in entries["jwt/api_jwt.pyc"]
    loop = entries["functions/core/__pycache__/loop.cpython-313.pyc"]
    assert b"/var/task/functions/core/loop.py" in loop


def test_what_is_left_out_is_not_missed(tmp_path):
    """The same choice for this machine, where it can run: every handler is called."""
    package.collect(tmp_path, package.THIS_MACHINE)
    nowhere = "http://127.0.0.1:1"
    environment = {
        "SUPABASE_URL": nowhere,
        "SUPABASE_ANON_KEY": "key",
        "SUPABASE_SERVICE_ROLE_KEY": "key",
        "UPSTASH_REDIS_REST_URL": nowhere,
        "UPSTASH_REDIS_REST_TOKEN": "token",
        "WEBHOOK_SECRETS": "a secret of thirty-two characters",
    }
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CALL, tmp_path],
        env=environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {
        "openapi": 200,
        "webhook": 405,
        "sweep": "database_unavailable",
        "warm": "cache_unavailable",
        "audit": "cache_unavailable",
        "elsewhere": [],
    }


def test_a_library_without_its_sections_is_what_is_loaded():
    library = next(Path(os.__file__).parent.glob("lib-dynload/_json*.so")).read_bytes()
    kept = package.loadable(library)
    assert len(kept) < len(library)
    assert kept[64:] == library[64 : len(kept)]
    assert struct.unpack_from("<H", kept, 18) == (X86_64,)


def test_what_cannot_be_downloaded_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    lock = tmp_path / "functions.txt"
    lock.write_text("nothing-of-that-name==1 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(package, "REQUIREMENTS", lock)
    monkeypatch.setattr(package, "BUILD", tmp_path / "build")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(package.PackageError, match="nothing-of-that-name"):
        package.build(tmp_path / "functions.zip")
    assert list(tmp_path.rglob("*.whl")) + list(tmp_path.rglob("*.zip")) == []
    assert list((tmp_path / "build" / "wheels").iterdir()) == []


def test_the_locks_agree(entries):
    """What is tested is what is deployed."""

    def pins(file: Path) -> dict[str, str]:
        lines = [line.split(" ")[0] for line in file.read_text().splitlines() if "==" in line]
        return dict(line.split(";")[0].split("==") for line in lines)

    development = pins(PROJECT / "requirements" / "development.txt")
    functions = pins(package.REQUIREMENTS)
    assert len(functions) > 20
    assert functions.items() <= development.items()
