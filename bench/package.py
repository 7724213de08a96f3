"""What a cold start of the functions costs: the zip that is fetched, and the modules in it."""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from statistics import median

from bench.measure import Timing, short
from bench.report import Figure, times, verdict
from bench.world import Bench
from devstack.packages import PROJECT
from scripts.package import FILE, build

_TARGET_MS = 450
_TARGET_MB = 8
_MODULES = ["functions.api.handler", "functions.webhook.handler", "functions.jobs.handler"]
_IMPORT = "import time; import {}; print(time.process_time())"
_NOTHING = _IMPORT.format("time")
# Most of the zip, as their makers ship them.
_LARGE = ["cryptography", "pydantic_core"]


def package(bench: Bench) -> Figure:
    """Import each handler in a fresh process, and build the zip."""
    with tempfile.TemporaryDirectory() as nothing_compiled:
        sides: dict[str, Callable[[], float]] = {
            "python alone": lambda: _cpu_ms(_NOTHING),
            **{f"import {module}": _importer(module) for module in _MODULES},
            f"import {_MODULES[0]}, no bytecode": _importer(
                _MODULES[0], PYTHONPYCACHEPREFIX=nothing_compiled, PYTHONDONTWRITEBYTECODE="1"
            ),
        }
        timings = {label: Timing(label, []) for label in sides}
        # The first round writes the bytecode.
        for nth in range(bench.sizes.rounds + 1):
            for label, run in sides.items():
                measured = run()
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
        "CPU time of a fresh process, in this machine's Python; the zip for Lambda.",
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


def _importer(module: str, **environment: str) -> Callable[[], float]:
    return lambda: _cpu_ms(_IMPORT.format(module), **environment)


def _cpu_ms(code: str, **environment: str) -> float:
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout) * 1000
