"""Build the zip that the functions are deployed as.

    python -m scripts.package

It holds functions/ and the packages of requirements/functions.txt for Lambda's Python and arm64, as
little of them as is imported there. The same sources give the same bytes: packages are locked with
their hashes, one Python (3.13 as WebAssembly, from npm) compiles on every machine, and the entries
are sorted and have no times.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from devstack import packages
from devstack.packages import PROJECT, StackError

BUILD = PROJECT / "build"
FILE = BUILD / "functions.zip"
REQUIREMENTS = PROJECT / "requirements" / "functions.txt"

# Needed to build others (cffi, pycparser), for HTTP/2, which nobody here speaks (h2 and its own),
# for its former API (pydantic.v1), or by people who test and type (the rest). "*" takes "/", too.
LEFT_OUT = (
    "*.dist-info/*",
    "*.data/*",
    "bin/*",
    "cffi/*",
    "pycparser/*",
    "h2/*",
    "hpack/*",
    "hyperframe/*",
    "pydantic/v1/*",
    "pydantic/mypy.py",
    "anyio/pytest_plugin.py",
    "multidict/_testcapi*",
    "*/tests/*",
    "*/testclient.py",
    "*.pyi",
    "*.pyx",
    "*.pxd",
    "*.c",
    "*.h",
    "*/py.typed",
)
_COMPILE = Path(__file__).with_name("compile_bytecode.mjs")
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """What stopped the build, in words for the person who started it."""


@dataclass(frozen=True)
class Target:
    """What a package has to run on.

    Args:
        python: Its version, for example "3.13".
        platforms: Tags of wheels that it takes.
    """

    python: str
    platforms: tuple[str, ...]


# Amazon Linux 2023 has glibc 2.34. pip takes the tags by name, and infers no older ones.
LAMBDA = Target(
    "3.13",
    (
        "manylinux_2_34_aarch64",
        "manylinux_2_28_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ),
)
# Where tests and measurements run what Lambda runs.
THIS_MACHINE = Target(
    "{}.{}".format(*sys.version_info),
    tuple(platform.replace("aarch64", "x86_64") for platform in LAMBDA.platforms),
)


def main() -> int:
    """Write build/functions.zip and say how large it is.

    Returns:
        The exit code.
    """
    try:
        build(FILE)
    except (PackageError, StackError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    content = FILE.read_bytes()
    with zipfile.ZipFile(FILE) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    print(
        f"{FILE.relative_to(PROJECT)}: {len(content) / 1e6:.2f} MB, {unpacked / 1e6:.1f} unpacked"
    )
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")
    return 0


def build(file: Path) -> None:
    """Write the zip for Lambda.

    Raises:
        PackageError: A package cannot be had, or something does not compile.
        StackError: Node or the Python that compiles is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        collect(tree, LAMBDA)
        _compile(tree)
        _archive(tree, file)


def collect(tree: Path, target: Target) -> None:
    """Lay out what the functions import, as sources, in an empty folder.

    Raises:
        PackageError: A package cannot be had.
    """
    for wheel in sorted(_wheels(target).glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/") and not _is_left_out(name):
                    archive.extract(name, tree)
    for library in tree.rglob("*.so"):
        library.write_bytes(loadable(library.read_bytes()))
    shutil.copytree(
        PROJECT / "functions", tree / "functions", ignore=shutil.ignore_patterns("__pycache__")
    )


def loadable(library: bytes) -> bytes:
    """A shared library without what only linkers and debuggers read, which may be most of it.

    Args:
        library: 64-bit little-endian ELF. Its segments are what is loaded; the sections of
            symbols and debugging information stand behind them.
    """
    (headers,) = struct.unpack_from("<Q", library, 32)
    size, count = struct.unpack_from("<HH", library, 54)
    end = 0
    for nth in range(count):
        (offset,) = struct.unpack_from("<Q", library, headers + nth * size + 8)
        (length,) = struct.unpack_from("<Q", library, headers + nth * size + 32)
        end = max(end, offset + length)
    kept = bytearray(library[:end])
    struct.pack_into("<Q", kept, 40, 0)  # where the table of sections is
    struct.pack_into("<HH", kept, 60, 0, 0)  # how many there are, and which one names them
    return bytes(kept)


def _is_left_out(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def _wheels(target: Target) -> Path:
    """The folder of the locked wheels, downloaded once for every state of the lock."""
    lock = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = BUILD / "wheels" / f"{target.python}-{target.platforms[0]}-{lock}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        pip = ["python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        pip += ["--require-hashes", "--no-deps", "--only-binary=:all:"]
        pip += [f"--platform={platform}" for platform in target.platforms]
        pip += [f"--python-version={target.python}", f"--requirement={REQUIREMENTS}"]
        pip += [f"--dest={unfinished}/wheels"]
        run = subprocess.run(pip, check=False, capture_output=True, text=True)
        if run.returncode:
            raise PackageError(f"pip could not download the packages:\n{run.stderr}")
        try:
            (Path(unfinished) / "wheels").rename(folder)
        except OSError:
            # Another build was faster.
            if not folder.exists():
                raise
    return folder


def _compile(tree: Path) -> None:
    node = [packages.node(), _COMPILE, tree]
    run = subprocess.run(node, check=False, capture_output=True, text=True)
    if run.returncode:
        raise PackageError(f"the sources could not be compiled:\n{run.stdout}{run.stderr}")


def _archive(tree: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(file.name + ".new")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), compresslevel=9)
    unfinished.replace(file)


if __name__ == "__main__":
    sys.exit(main())
