"""What a cold start of the functions costs: the zip that is fetched, and the modules in it."""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.measure import Timing, short
from bench.report import Figure, times, verdict
from bench.world import Bench
from scripts.package import FILE, THIS_MACHINE, build, collect

_TARGET_MS = 450
_TARGET_MB = 8
_MODULES = ["functions.api.handler", "functions.webhook.handler", "functions.jobs.handler"]
_IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import {}
print(time.process_time())
"""
# Most of the zip, as their makers ship them.
_LARGE = ["cryptography", "pydantic_core"]


def package(bench: Bench) -> Figure:
    """Import each handler in a fresh process, and build the zip."""
    with tempfile.TemporaryDirectory() as tree, tempfile.TemporaryDirectory() as compiled:
        collect(Path(tree), THIS_MACHINE)
        sides = {
            "python alone": _importer(tree, "time"),
            **{f"import {module}": _importer(tree, module) for module in _MODULES},
            f"import {_MODULES[0]}, no bytecode": _importer(tree, _MODULES[0], compiled=False),
        }
        timings = {label: Timing(label, []) for label in sides}
        # The first round writes the bytecode.
        for nth in range(bench.sizes.rounds + 1):
            for label, run in sides.items():
                measured = run(compiled)
                if nth:
                    timings[label].rounds.append([measured])

    base = timings["python alone"]
    rows = []
    for timing in timings.values():
        if timing is base:
            rows.append([*times(base)[:-1], "", ""])
            continue
        target = ""
        if timing.label == f"import {_MODULES[0]}":
            target = verdict(median(value for (value,) in timing.rounds), _TARGET_MS, " ms")
        rows.append([*times(timing, base)[:-1], "", target])
    return Figure(
        "CPU time of a fresh process with what the zip has; the zip.",
        ["", "p50 ms", "p95 ms", "ratio (range)", "MB", "target"],
        [*rows, *_sizes()],
    )


def _sizes() -> list[list[str]]:
    build(FILE)
    with zipfile.ZipFile(FILE) as archive:
        entries = archive.infolist()
    whole = FILE.stat().st_size / 1e6
    unpacked = sum(entry.file_size for entry in entries) / 1e6
    large = {
        f"of which {name}": sum(
            entry.compress_size for entry in entries if entry.filename.startswith(f"{name}/")
        )
        / 1e6
        for name in _LARGE
    }
    target = {"functions.zip": verdict(whole, _TARGET_MB, " MB")}
    sizes = {"functions.zip": whole, **large, "functions.zip, unpacked": unpacked}
    return [
        [label, "", "", "", short(size), target.get(label, "")] for label, size in sizes.items()
    ]


def _importer(tree: str, module: str, compiled: bool = True) -> Callable[[str], float]:
    """What imports a module of the tree, and none that is installed, into a fresh process.

    Returns:
        A function of the folder for bytecode that returns milliseconds of CPU time.
    """
    code = _IMPORT.format(module)

    def run(folder: str) -> float:
        options = ["-X", f"pycache_prefix={folder}"] if compiled else ["-B"]
        python = [sys.executable, "-I", "-S", *options, "-c", code, tree]
        return float(subprocess.run(python, capture_output=True, check=True).stdout) * 1000

    return run
